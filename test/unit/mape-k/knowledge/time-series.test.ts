import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { columns, TimeSeries } from "../../../../src/mape-k/knowledge/time-series.ts";

const counter = columns<number>({ counters: { count: (value) => value } });
const of = "interface/mesh0";

/** One sample a second, ending at the last; null is a beat without this subject. */
function recorded(samples: readonly (number | null)[], windowBeats = 10): TimeSeries {
  const series = new TimeSeries({ windowBeats, maxSeries: 100 });
  samples.forEach((sample, index) => {
    if (sample !== null) series.record(of, counter, sample, index * 1_000);
  });
  return series;
}

describe("the increase of a counter", () => {
  it.each([
    { samples: [], grown: null, claim: "is unknown of a stranger" },
    { samples: [5], grown: null, claim: "is unknown from one sample" },
    { samples: [5, 5], grown: 0, claim: "is zero when it stands still" },
    { samples: [5, 7, 12], grown: 7, claim: "is the sum of its steps" },
    { samples: [100, 103, 2, 4], grown: 7, claim: "starts anew from zero after a reset" },
    { samples: [9, 0, 9, 0], grown: 9, claim: "counts each of several resets" },
    { samples: [5, Number.NaN, 9], grown: 4, claim: "bridges a missing sample" },
  ])("$claim", ({ samples, grown }) => {
    expect(recorded(samples).increase(of, "count", 60_000)).toBe(grown);
  });

  it("looks back as far as the window, its edge included", () => {
    const series = recorded([0, 100, 101, 103]);
    expect(series.increase(of, "count", 2_000)).toBe(3);
    expect(series.increase(of, "count", 1_999)).toBe(2);
    expect(series.increase(of, "count", 0)).toBeNull();
  });

  it("grows old with the other subjects: what is no longer seen leaves the window", () => {
    const series = recorded([0, 100]);
    series.record("interface/other", counter, 1, 60_000);
    expect(series.increase(of, "count", 10_000)).toBeNull();
  });

  it("agrees with a plain list, resets and all", () => {
    const samples = fc.array(fc.nat(1_000), { maxLength: 40 });
    fc.assert(
      fc.property(samples, fc.integer({ min: 2, max: 12 }), fc.nat(20), (all, window, seconds) => {
        const kept = all.slice(-window).slice(-seconds - 1);
        const steps = kept.slice(1).map((value, index) => {
          const before = kept[index] ?? 0;
          return value >= before ? value - before : value;
        });
        const expected = steps.length === 0 ? null : steps.reduce((sum, grown) => sum + grown, 0);
        expect(recorded(all, window).increase(of, "count", seconds * 1_000)).toBe(expected);
      }),
    );
  });
});

describe("the maximum of a gauge", () => {
  const gauge = columns<number>({ gauges: { level: (value) => value } });
  const levels = (samples: readonly number[]) => {
    const series = new TimeSeries({ windowBeats: 20, maxSeries: 100 });
    samples.forEach((sample, index) => void series.record(of, gauge, sample, index * 1_000));
    return series;
  };

  it.each([
    { samples: [], largest: null, claim: "is unknown of a stranger" },
    { samples: [-3], largest: -3, claim: "is the only sample" },
    {
      samples: [9, ...Array.from({ length: 9 }, () => 2), 4],
      largest: 4,
      claim: "forgets what is older than the window and ten beats",
    },
    { samples: [9, 2, 4, 3], largest: 9, claim: "remembers ten beats, however long they took" },
    { samples: [1, Number.NaN, 3], largest: 3, claim: "leaves out what is missing" },
    { samples: [Number.NaN], largest: null, claim: "is unknown when all is missing" },
  ])("$claim", ({ samples, largest }) => {
    expect(levels(samples).maximum(of, "level", 2_000)).toBe(largest);
  });

  it("is not asked for growth", () => {
    expect(() => levels([1, 2]).increase(of, "level", 2_000)).toThrow("to be a counter");
  });
});

describe("TimeSeries", () => {
  it("keeps the newest rows, oldest first", () => {
    expect(recorded([1, 2, 3, 4, 5], 3).rows(of)).toEqual({
      atMs: [2_000, 3_000, 4_000],
      metrics: { count: [3, 4, 5] },
    });
  });

  it("refuses a subject that does not fit, counts it, and takes it once there is room", () => {
    const series = new TimeSeries({ windowBeats: 2, maxSeries: 2 });
    for (const name of ["a", "b", "c"] as const) series.record(`target/${name}`, counter, 1, 0);
    expect(series.subjects()).toEqual(["target/a", "target/b"]);
    expect([series.size, series.refused]).toEqual([2, 1]);
    expect(series.rows("target/c")).toBeNull();
    series.record("target/b", counter, 1, 9_000);
    series.forget(9_000);
    series.record("target/c", counter, 1, 9_000);
    expect(series.subjects()).toEqual(["target/b", "target/c"]);
    expect(series.size).toBe(2);
  });

  it("forgets only those whose last row is too old", () => {
    const series = recorded([1, 2, 3], 2);
    series.forget(2_000);
    expect(series.subjects()).toEqual([of]);
    series.forget(2_001);
    expect(series.subjects()).toEqual([]);
    expect(series.size).toBe(0);
  });

  it("crashes on a question about a metric that is not kept: that is a typing error", () => {
    expect(() => recorded([1, 2]).increase(of, "coutn", 1_000)).toThrow("coutn");
  });

  it("crashes on a window that could never show a step", () => {
    expect(() => new TimeSeries({ windowBeats: 1, maxSeries: 1 })).toThrow("two beats");
  });
});

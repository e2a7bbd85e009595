import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../src/base/index.ts";
import { analyze } from "../../../../src/mape-k/analyze/analyze.ts";
import { recordObservation } from "../../../../src/mape-k/knowledge/record-observation.ts";
import { TimeSeries } from "../../../../src/mape-k/knowledge/time-series.ts";
import type { Finding } from "../../../../src/mape-k/symptom.ts";
import {
  lossReading,
  meshLink,
  meshReading,
  observation,
  thresholds,
} from "../support/readings.ts";

const messageEveryMs = [500, 500, 1_000];

/**
 * A neighbour that sends ELP twice a second and originator messages once, each lost by chance. A
 * loss shows when the next message of its kind comes; until then it is overdue.
 */
function neighbour(seed: number) {
  const random = seededRandom(seed);
  const history = new TimeSeries({ windowBeats: 120, maxSeries: 1_000 });
  const streams = messageEveryMs.map((everyMs, n) => ({
    everyMs,
    nextMs: everyMs * (1 + n / 10),
    expected: 0,
    received: 0,
    unseen: 0,
  }));
  let beat = 0;
  return {
    beatWith(lossRatio: number, active = false): Finding | undefined {
      beat++;
      for (const stream of streams) {
        for (; stream.nextMs <= beat * 1_000; stream.nextMs += stream.everyMs) {
          stream.unseen++;
          if (random.uint32() / 2 ** 32 < lossRatio) continue;
          stream.expected += stream.unseen;
          stream.received++;
          stream.unseen = 0;
        }
      }
      const total = (of: "expected" | "received" | "unseen") =>
        streams.reduce((sum, stream) => sum + stream[of], 0);
      const reading = lossReading({
        expected: total("expected"),
        received: total("received"),
        overdue: total("unseen"),
      });
      const seen = observation({ beat, linkLoss: [reading], mesh: meshReading() });
      recordObservation(history, seen);
      const findings = analyze({ observation: seen, history, isActive: () => active }, thresholds);
      return findings.find(({ kind }) => kind === "link-loss");
    },
  };
}

function beatsUntilFound(seed: number, lossRatio: number, atMost: number): number | null {
  const far = neighbour(seed);
  for (let n = 0; n < 30; n++) far.beatWith(0);
  for (let n = 1; n <= atMost; n++) if (far.beatWith(lossRatio) !== undefined) return n;
  return null;
}

const seeds = Array.from({ length: 200 }, (_, n) => n + 1);

describe("link loss", () => {
  it.each([
    [0.6, 3, 0.95],
    [0.45, 6, 0.95],
    [0.3, 20, 0.95],
  ])("of %d is found within %d s in nearly all cases", (lossRatio, withinBeats, share) => {
    const found = seeds.filter((seed) => beatsUntilFound(seed, lossRatio, withinBeats) !== null);
    expect(found.length / seeds.length).toBeGreaterThanOrEqual(share);
  });

  it.each([0, 0.01])("of %d is no finding in ten minutes", (lossRatio) => {
    const alarmed = seeds.slice(0, 40).filter((seed) => {
      return beatsUntilFound(seed, lossRatio, 600) !== null;
    });
    expect(alarmed).toEqual([]);
  });

  it("once found stays until the link is clearly better", () => {
    const far = neighbour(7);
    for (let n = 0; n < 20; n++) far.beatWith(0.6, true);
    for (let n = 0; n < 30; n++) expect(far.beatWith(0.4, true)).toBeDefined();
    for (let n = 0; n < 11; n++) far.beatWith(0, true);
    expect(far.beatWith(0, true)).toBeUndefined();
  });

  it("is not what is wrong with a neighbour that says nothing at all", () => {
    const far = neighbour(3);
    for (let n = 0; n < 30; n++) far.beatWith(0);
    const found = Array.from({ length: 20 }, () => far.beatWith(1));
    expect(found.slice(4).filter((each) => each !== undefined)).toEqual([]);
  });

  it("says whether anybody suffers from it", () => {
    const seen = (routes: number) => {
      const history = new TimeSeries({ windowBeats: 10, maxSeries: 100 });
      const beats = [0, 10, 20].map((expected, n) =>
        observation({
          beat: n + 1,
          linkLoss: [lossReading({ expected, received: expected / 2 })],
          mesh: meshReading({ links: [meshLink({ routes })] }),
        }),
      );
      for (const beat of beats) recordObservation(history, beat);
      const last = beats.at(-1) ?? observation();
      return analyze({ observation: last, history, isActive: () => false }, thresholds);
    };
    expect(seen(2)).toMatchObject([{ kind: "link-loss", severity: "critical" }]);
    expect(seen(0)).toMatchObject([{ severity: "warning" }]);
    expect(seen(0)[0]?.summary).toContain("no traffic takes it");
  });
});

describe("a silent neighbour", () => {
  const found = (lastSeenMs: number, algorithm: "BATMAN_IV" | "BATMAN_V", routes = 1) => {
    const mesh = meshReading({ algorithm, links: [meshLink({ lastSeenMs, routes })] });
    const history = new TimeSeries({ windowBeats: 10, maxSeries: 100 });
    return analyze(
      { observation: observation({ mesh }), history, isActive: () => false },
      thresholds,
    );
  };

  it.each([
    ["BATMAN_V", 1_500, false],
    ["BATMAN_V", 1_501, true],
    ["BATMAN_IV", 3_000, false],
    ["BATMAN_IV", 3_001, true],
  ] as const)("under %s after %d ms: %s", (algorithm, lastSeenMs, is) => {
    expect(found(lastSeenMs, algorithm).map(({ kind }) => kind)).toEqual(
      is ? ["silent-neighbour"] : [],
    );
  });

  it("is critical when traffic goes its way", () => {
    expect(found(5_000, "BATMAN_V", 1)[0]?.severity).toBe("critical");
    expect(found(5_000, "BATMAN_V", 0)[0]?.severity).toBe("warning");
  });

  it("is not found where the mesh is not seen", () => {
    const history = new TimeSeries({ windowBeats: 10, maxSeries: 100 });
    const window = { observation: observation(), history, isActive: () => true };
    expect(analyze(window, thresholds)).toEqual([]);
  });
});

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

/** ELP and originator messages, at batman-adv's defaults. */
const underV: readonly Stream[] = [{ everyMs: 500 }, { everyMs: 1_000 }];
/** Its originator messages for two interfaces, and ours that it repeats. */
const underIV: readonly Stream[] = [
  { everyMs: 1_000 },
  { everyMs: 1_000 },
  { everyMs: 1_000, isEcho: true },
];

interface Stream {
  readonly everyMs: number;
  readonly isEcho?: boolean;
}

/**
 * A neighbour whose every message is lost by chance. A loss shows when the next message of its kind
 * comes; until then it is overdue.
 */
function neighbour(seed: number, sends = underV) {
  const random = seededRandom(seed);
  const history = new TimeSeries({ windowBeats: 120, maxSeries: 1_000 });
  const streams = sends.map(({ everyMs, isEcho = false }, n) => ({
    everyMs,
    isEcho,
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
          const lost = stream.isEcho ? 1 - (1 - lossRatio) ** 2 : lossRatio;
          if (random.uint32() / 2 ** 32 < lost) continue;
          stream.expected += stream.unseen;
          stream.received++;
          stream.unseen = 0;
        }
      }
      const counted = (echoes: boolean) => {
        const those = streams.filter(({ isEcho }) => isEcho === echoes);
        const total = (of: "expected" | "received" | "unseen") =>
          those.reduce((sum, stream) => sum + stream[of], 0);
        return {
          expected: total("expected"),
          received: total("received"),
          overdue: total("unseen"),
        };
      };
      const reading = lossReading({ ...counted(false), echoes: counted(true) });
      const seen = observation({ beat, linkLoss: [reading], mesh: meshReading() });
      recordObservation(history, seen);
      const findings = analyze({ observation: seen, history, isActive: () => active }, thresholds);
      return findings.find(({ kind }) => kind === "link-loss");
    },
  };
}

function beatsUntilFound(
  seed: number,
  lossRatio: number,
  atMost: number,
  sends = underV,
): number | null {
  const far = neighbour(seed, sends);
  for (let n = 0; n < 90; n++) far.beatWith(0);
  for (let n = 1; n <= atMost; n++) if (far.beatWith(lossRatio) !== undefined) return n;
  return null;
}

const seeds = Array.from({ length: 200 }, (_, n) => n + 1);

describe("link loss", () => {
  it.each([
    // Three messages a second cannot tell sooner with certainty.
    [0.6, 3, 0.9],
    [0.6, 5, 0.95],
    [0.45, 7, 0.95],
    [0.3, 12, 0.95],
  ])("of %d is found within %d s in so many cases: %d", (lossRatio, withinBeats, share) => {
    const found = seeds.filter((seed) => beatsUntilFound(seed, lossRatio, withinBeats) !== null);
    expect(found.length / seeds.length).toBeGreaterThanOrEqual(share);
  });

  it.each([
    [0.6, 3, 0.75],
    [0.6, 5, 0.9],
    [0.3, 12, 0.9],
  ])(
    "of %d under BATMAN_IV is found within %d s in so many cases: %d",
    (lossRatio, within, share) => {
      const found = seeds.filter(
        (seed) => beatsUntilFound(seed, lossRatio, within, underIV) !== null,
      );
      expect(found.length / seeds.length).toBeGreaterThanOrEqual(share);
    },
  );

  it.each([
    ["BATMAN_V", underV, 0, 0],
    ["BATMAN_V", underV, 0.01, 3],
    ["BATMAN_V", underV, 0.05, 6],
    ["BATMAN_V", underV, 0.1, 4],
    ["BATMAN_IV", underIV, 0, 0],
    ["BATMAN_IV", underIV, 0.01, 3],
    ["BATMAN_IV", underIV, 0.05, 5],
    ["BATMAN_IV", underIV, 0.1, 16],
  ] as const)(
    "under $0, of $2, is a finding in ten minutes in at most $3 of 40 cases",
    (_, sends, lossRatio, atMost) => {
      const alarmed = seeds.slice(0, 40).filter((seed) => {
        const far = neighbour(seed, sends);
        for (let n = 0; n < 90; n++) far.beatWith(lossRatio);
        for (let n = 0; n < 600; n++) if (far.beatWith(lossRatio) !== undefined) return true;
        return false;
      });
      expect(alarmed.length).toBeLessThanOrEqual(atMost);
    },
  );

  it("is not what late messages are, before one of them is known to be lost", () => {
    const history = new TimeSeries({ windowBeats: 120, maxSeries: 1_000 });
    let found = 0;
    for (let beat = 1; beat <= 60; beat++) {
      // Nothing comes for three seconds, then all of it at once.
      const late = beat % 10 > 6 ? (beat % 10) - 6 : 0;
      const sum = 3 * (beat - late);
      const reading = lossReading({ expected: sum, received: sum, overdue: 3 * late });
      const seen = observation({ beat, linkLoss: [reading] });
      recordObservation(history, seen);
      found += analyze({ observation: seen, history, isActive: () => false }, thresholds).length;
    }
    expect(found).toBe(0);
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
    ["BATMAN_V", 1_625, false],
    ["BATMAN_V", 1_626, true],
    ["BATMAN_IV", 3_250, false],
    ["BATMAN_IV", 3_251, true],
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

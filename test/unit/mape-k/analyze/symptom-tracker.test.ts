import { describe, expect, it } from "vitest";
import {
  isStillFound,
  type Tracks,
  trackSymptoms,
} from "../../../../src/mape-k/analyze/symptom-tracker.ts";
import type { Observation } from "../../../../src/mape-k/observation.ts";
import type { Finding, SymptomKind } from "../../../../src/mape-k/symptom.ts";
import { finding, observation, symptom, targetReading } from "../support/readings.ts";

const of = "interface/mesh0";
/** Every sensor delivers. */
const all: Partial<Observation> = {
  interfaces: [],
  targets: [],
  transport: { sentSegments: 0, retransmittedSegments: 0, listenOverflows: 0, listenDrops: 0 },
  pressure: [],
  storage: [],
};

class Tracker {
  tracks: Tracks = new Map();
  beats = 0;
  readonly limit: number;

  constructor(limit = 100) {
    this.limit = limit;
  }

  /** What was raised (+) and cleared (-) in this beat. */
  beat(found: readonly Finding[], seen: Partial<Observation> = all): string {
    const now = observation({ ...seen, beat: ++this.beats });
    const step = trackSymptoms(this.tracks, found, now, this.limit);
    this.tracks = step.tracks;
    this.dropped += step.dropped;
    const raised = step.raised.map(({ key }) => `+${key}`);
    const cleared = step.cleared.map(
      ({ symptom: { key }, lastedMs }) => `-${key} ${lastedMs / 1_000} s`,
    );
    return [...raised, ...cleared].join(" ");
  }

  dropped = 0;

  get active(): readonly string[] {
    return [...this.tracks.values()].flatMap(({ symptom: raised }) => raised?.key ?? []);
  }
}

describe("a finding becomes a symptom", () => {
  it.each<{ kind: SymptomKind; raise: number; clear: number }>([
    { kind: "interface-down", raise: 1, clear: 3 },
    { kind: "flapping", raise: 1, clear: 3 },
    { kind: "target-unreachable", raise: 1, clear: 3 },
    { kind: "storage-low", raise: 1, clear: 3 },
    { kind: "listen-drops", raise: 1, clear: 3 },
    { kind: "error-burst", raise: 3, clear: 5 },
    { kind: "drop-burst", raise: 3, clear: 5 },
    { kind: "retransmit-burst", raise: 3, clear: 5 },
    { kind: "sensor-failed", raise: 3, clear: 5 },
    { kind: "resource-pressure", raise: 10, clear: 10 },
  ])("$kind: raised after $raise, cleared after $clear beats", ({ kind, raise, clear }) => {
    const tracker = new Tracker();
    const found = [finding(kind, of)];
    for (let beat = 1; beat < raise; beat++) expect(tracker.beat(found)).toBe("");
    expect(tracker.beat(found)).toBe(`+${kind}:${of}`);
    expect(tracker.beat(found)).toBe("");
    for (let beat = 1; beat < clear; beat++) expect(tracker.beat([])).toBe("");
    expect(tracker.beat([])).toBe(`-${kind}:${of} ${clear + 1} s`);
    expect(tracker.tracks.size).toBe(0);
  });

  it("only when it is seen in a row: one beat without it and the count starts anew", () => {
    const tracker = new Tracker();
    const found = [finding("error-burst", of)];
    for (const beat of [found, found, [], found, found]) expect(tracker.beat(beat)).toBe("");
    expect(tracker.beat(found)).not.toBe("");
  });

  it("and stays one through short gaps", () => {
    const tracker = new Tracker();
    const found = [finding("interface-down", of)];
    expect(tracker.beat(found)).not.toBe("");
    for (let n = 0; n < 20; n++) {
      for (const beat of [[], [], found]) expect(tracker.beat(beat)).toBe("");
    }
  });

  it("which keeps when it was raised, and shows what is seen now", () => {
    const tracker = new Tracker();
    tracker.beat([finding("storage-low", of, { severity: "warning" })]);
    tracker.beat([finding("storage-low", of, { severity: "critical", summary: "worse" })]);
    const [track] = tracker.tracks.values();
    expect(track?.symptom).toMatchObject({ severity: "critical", summary: "worse", raisedBeat: 1 });
  });
});

describe("what was not looked at proves nothing", () => {
  it("a symptom is held, neither nearer to its end nor further from it", () => {
    const tracker = new Tracker();
    tracker.beat([finding("interface-down", of)]);
    tracker.beat([]);
    for (let n = 0; n < 100; n++) expect(tracker.beat([], { ...all, interfaces: null })).toBe("");
    expect(tracker.active).toHaveLength(1);
    tracker.beat([]);
    expect(tracker.beat([])).toContain("-interface-down");
  });

  it("a suspicion is held as well", () => {
    const tracker = new Tracker();
    const found = [finding("error-burst", of)];
    tracker.beat(found);
    tracker.beat(found);
    tracker.beat([], { ...all, interfaces: null });
    expect(tracker.beat(found)).toContain("+error-burst");
  });

  it("a target that could not be asked has not come back", () => {
    const tracker = new Tracker();
    tracker.beat([finding("target-unreachable", "target/gateway")]);
    const targets = [targetReading({ reachability: { kind: "unknown", reason: "EMFILE" } })];
    for (let n = 0; n < 10; n++) expect(tracker.beat([], { ...all, targets })).toBe("");
    const answers = { ...all, targets: [targetReading()] };
    tracker.beat([], answers);
    tracker.beat([], answers);
    expect(tracker.beat([], answers)).toContain("-target-unreachable");
  });

  it("other sections do not hold it", () => {
    const tracker = new Tracker();
    tracker.beat([finding("interface-down", of)]);
    const blind = { ...all, targets: null, transport: null };
    for (let n = 0; n < 2; n++) tracker.beat([], blind);
    expect(tracker.beat([], blind)).toContain("-interface-down");
  });
});

describe("one cause, one symptom", () => {
  const down = finding("interface-down", of);
  const flapping = finding("flapping", of);

  it("while an interface flaps, its downs are part of that", () => {
    const tracker = new Tracker();
    expect(tracker.beat([down, flapping])).toBe(`+flapping:${of}`);
    expect(tracker.beat([flapping, down])).toBe("");
    expect(tracker.active).toEqual([`flapping:${of}`]);
  });

  it("but those of another interface are not", () => {
    const tracker = new Tracker();
    const other = finding("interface-down", "interface/mesh1");
    expect(tracker.beat([flapping, other])).toBe(`+flapping:${of} +interface-down:interface/mesh1`);
  });

  it("so a down is still found while it is part of a flapping", () => {
    const raised = symptom("interface-down", of);
    expect(isStillFound(raised, [down])).toBe(true);
    expect(isStillFound(raised, [flapping])).toBe(true);
    expect(isStillFound(symptom("flapping", of), [down])).toBe(false);
    expect(isStillFound(raised, [finding("interface-down", "interface/mesh1")])).toBe(false);
    expect(isStillFound(raised, [])).toBe(false);
  });
});

describe("the limit", () => {
  const downs = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, n) =>
      finding("interface-down", `interface/m${from + n}`),
    );

  it("leaves out what comes after, and counts it", () => {
    const tracker = new Tracker(10);
    tracker.beat(downs(0, 25));
    expect([tracker.tracks.size, tracker.dropped]).toEqual([10, 15]);
    expect(tracker.active[0]).toBe("interface-down:interface/m0");
  });

  it("holds even when every beat brings new findings", () => {
    const tracker = new Tracker(10);
    for (let beat = 0; beat < 30; beat++) {
      tracker.beat(downs(beat * 10, beat * 10 + 10));
      expect(tracker.tracks.size).toBeLessThanOrEqual(10);
    }
  });

  it("never pushes out what is followed already", () => {
    const tracker = new Tracker(2);
    const [first, second] = downs(0, 2);
    if (first === undefined || second === undefined) throw new Error("two findings");
    tracker.beat([first, second]);
    tracker.beat([...downs(5, 9), second]);
    expect(tracker.active).toEqual(["interface-down:interface/m0", "interface-down:interface/m1"]);
  });
});

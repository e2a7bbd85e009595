import { describe, expect, it } from "vitest";
import { fault } from "../../../../src/base/index.ts";
import { analyze } from "../../../../src/mape-k/analyze/analyze.ts";
import type { Thresholds } from "../../../../src/mape-k/analyze/detector.ts";
import { recordObservation } from "../../../../src/mape-k/knowledge/record-observation.ts";
import { TimeSeries } from "../../../../src/mape-k/knowledge/time-series.ts";
import type { InterfaceReading, Observation } from "../../../../src/mape-k/observation.ts";
import { symptomKey } from "../../../../src/mape-k/symptom.ts";
import {
  interfaceReading,
  observation,
  targetReading,
  thresholds,
  transportReading,
} from "../support/readings.ts";

interface Case {
  readonly claim: string;
  /** One beat a second, the last one is judged. */
  readonly beats: readonly Partial<Observation>[];
  readonly active?: readonly string[];
  readonly thresholds?: Partial<Thresholds>;
  readonly finds: readonly string[];
}

function findingsOf({ beats, active = [], thresholds: changed }: Omit<Case, "claim" | "finds">) {
  const history = new TimeSeries({ windowBeats: 120, maxSeries: 1_000 });
  let last = observation();
  beats.forEach((sections, index) => {
    last = observation({ ...sections, beat: index + 1 });
    recordObservation(history, last);
  });
  const isActive = (kind: string, subject: string) => active.includes(`${kind}:${subject}`);
  return analyze({ observation: last, history, isActive }, { ...thresholds, ...changed });
}

function table(cases: readonly Case[]): void {
  it.each(cases)("$claim", (of) => {
    expect(findingsOf(of).map(symptomKey)).toEqual(of.finds);
  });
}

const wire = (of: Partial<InterfaceReading>) => ({ interfaces: [interfaceReading(of)] });
const up = wire({});
const noCarrier = wire({ operState: "down" });
const setDown = wire({ adminUp: false, operState: "down" });
const repeat = <Value>(times: number, value: Value) => Array.from({ length: times }, () => value);
const isDown = ["interface-down:interface/mesh0"];

describe("interface-down", () => {
  table([
    { claim: "is nobody's loss when it never was up", beats: repeat(5, noCarrier), finds: [] },
    { claim: "is not found while it is up", beats: [up, up], finds: [] },
    { claim: "is found at once when the carrier goes", beats: [up, noCarrier], finds: isDown },
    { claim: "is found at once when it is set down", beats: [up, setDown], finds: isDown },
    {
      claim: "takes operState unknown as up, for some drivers never say (RFC 2863)",
      beats: [up, wire({ operState: "unknown" })],
      finds: [],
    },
    {
      claim: "is remembered for a minute",
      beats: [up, ...repeat(60, noCarrier)],
      finds: isDown,
    },
    {
      claim: "is found after a stall longer than it is remembered",
      beats: [up, { ...setDown, atMs: 600_000 }, { ...setDown, atMs: 601_000 }],
      finds: isDown,
    },
    {
      claim: "is forgotten after more than a minute if nobody raised it",
      beats: [up, ...repeat(61, noCarrier)],
      finds: [],
    },
    {
      claim: "is not forgotten while it is raised",
      beats: [up, ...repeat(100, noCarrier)],
      active: isDown,
      finds: isDown,
    },
    {
      claim: "is not forgotten over a flapping that hid it",
      beats: [up, ...repeat(100, noCarrier)],
      active: ["flapping:interface/mesh0"],
      finds: isDown,
    },
    {
      claim: "is found when it is wanted, even if it never was up",
      beats: [noCarrier],
      thresholds: { wantedInterfaces: ["mesh0"] },
      finds: isDown,
    },
    {
      claim: "is found when it is wanted and does not exist",
      beats: [{ interfaces: [] }],
      thresholds: { wantedInterfaces: ["mesh0"] },
      finds: isDown,
    },
    {
      claim: "is not found when nobody looked",
      beats: [up, { interfaces: null }],
      thresholds: { wantedInterfaces: ["mesh0"] },
      active: isDown,
      finds: [],
    },
    {
      claim: "is not found when it vanished and nobody wants it",
      beats: [up, { interfaces: [] }],
      finds: [],
    },
  ]);

  it.each([
    { beats: [up, noCarrier], summary: "mesh0 is down: wanted up, but has no carrier" },
    { beats: [up, setDown], summary: "mesh0 is down: set down" },
    {
      beats: [up, wire({ operState: "dormant" })],
      summary: "mesh0 is down: wanted up, but dormant",
    },
  ])("says why: $summary", ({ beats, summary }) => {
    expect(findingsOf({ beats })[0]?.summary).toBe(summary);
  });
});

describe("flapping", () => {
  const flaps = ["flapping:interface/mesh0"];
  const changes = (...counts: number[]) => counts.map((carrierChanges) => wire({ carrierChanges }));
  table([
    { claim: "is not found below the limit", beats: changes(1, 3, 5), finds: [] },
    { claim: "is found from the limit on", beats: changes(1, 3, 6), finds: flaps },
    {
      claim: "sees changes between two beats: the kernel counts them",
      beats: changes(10, 15),
      finds: flaps,
    },
    { claim: "says nothing from one sample", beats: changes(100), finds: [] },
    {
      claim: "forgets what is older than its window",
      beats: [...changes(0), ...repeat(31, wire({ carrierChanges: 9 }))],
      finds: [],
    },
    {
      claim: "is held by a single change once raised",
      beats: changes(7, 8),
      active: flaps,
      finds: flaps,
    },
    {
      claim: "is let go after a window without a change",
      beats: repeat(31, wire({ carrierChanges: 9 })),
      active: flaps,
      finds: [],
    },
    {
      claim: "takes a re-created interface as starting anew, not as 2^64 changes",
      beats: changes(40, 1, 2),
      finds: [],
    },
  ]);

  it("shows the limit that it was really held against", () => {
    const seen = (active: readonly string[], beats: Case["beats"]) =>
      findingsOf({ beats, active })[0]?.evidence;
    expect(seen([], changes(1, 6))).toEqual([{ what: "carrierChanges", seen: 5, limit: 5 }]);
    expect(seen(flaps, changes(7, 8))).toEqual([{ what: "carrierChanges", seen: 1, limit: 1 }]);
  });
});

describe("error-burst and drop-burst", () => {
  const grown = (of: Partial<InterfaceReading>) => [wire({}), wire(of)];
  const errors = ["error-burst:interface/mesh0"];
  const drops = ["drop-burst:interface/mesh0"];
  table([
    {
      claim: "is silent about a clean wire",
      beats: grown({ rxPackets: 1_000, rxErrors: 0 }),
      finds: [],
    },
    {
      claim: "is silent about few losses, whatever their share",
      beats: grown({ rxPackets: 1, rxErrors: 19 }),
      finds: [],
    },
    {
      claim: "is silent about many losses that are a small share",
      beats: grown({ rxPackets: 1_000_000, rxErrors: 500 }),
      finds: [],
    },
    { claim: "finds errors", beats: grown({ rxPackets: 1_000, rxErrors: 30 }), finds: errors },
    {
      claim: "finds errors without any good packet",
      beats: grown({ rxErrors: 20 }),
      finds: errors,
    },
    {
      claim: "adds up both directions",
      beats: grown({ txPackets: 900, rxErrors: 10, txErrors: 10 }),
      finds: errors,
    },
    { claim: "finds drops", beats: grown({ rxPackets: 100, txDrops: 40 }), finds: drops },
    {
      claim: "finds both at once",
      beats: grown({ rxErrors: 50, rxDrops: 50 }),
      finds: [...errors, ...drops],
    },
    {
      claim: "forgets what is older than ten seconds",
      beats: [wire({}), ...repeat(12, wire({ rxErrors: 500 }))],
      finds: [],
    },
    { claim: "says nothing from one sample", beats: [wire({ rxErrors: 9_999 })], finds: [] },
  ]);

  it("is surer the further the share is above the limit, and never surer than sure", () => {
    const sure = (rxErrors: number) =>
      findingsOf({ beats: grown({ rxPackets: 10_000 - rxErrors, rxErrors }) })[0]?.confidence;
    expect(sure(100)).toBeCloseTo(0.5);
    expect(sure(150)).toBeCloseTo(0.75);
    expect(sure(5_000)).toBe(1);
  });
});

describe("target-unreachable", () => {
  const silent = (failuresInARow: number) => ({
    targets: [
      targetReading({ failuresInARow, reachability: { kind: "unreachable", reason: "silence" } }),
    ],
  });
  table([
    { claim: "waits for several failures in a row", beats: [silent(2)], finds: [] },
    {
      claim: "is found at the third",
      beats: [silent(3)],
      finds: ["target-unreachable:target/gateway"],
    },
    { claim: "is not found while it answers", beats: [{ targets: [targetReading()] }], finds: [] },
    {
      claim: "says nothing about a target that could not be asked",
      beats: [
        { targets: [targetReading({ failuresInARow: 9, reachability: { kind: "unknown" } })] },
      ],
      finds: [],
    },
  ]);
});

describe("TCP as a whole", () => {
  const grown = (of: Parameters<typeof transportReading>[0]) => [
    { transport: transportReading() },
    { transport: transportReading(of) },
  ];
  table([
    {
      claim: "finds many retransmissions that are a large share",
      beats: grown({ sentSegments: 400, retransmittedSegments: 50 }),
      finds: ["retransmit-burst:node/transport"],
    },
    {
      claim: "is silent about few of them",
      beats: grown({ sentSegments: 50, retransmittedSegments: 49 }),
      finds: [],
    },
    {
      claim: "is silent about a small share",
      beats: grown({ sentSegments: 10_000, retransmittedSegments: 900 }),
      finds: [],
    },
    {
      claim: "finds connections dropped at a full accept queue",
      beats: grown({ listenDrops: 5 }),
      finds: ["listen-drops:node/transport"],
    },
    { claim: "is silent about a few of those", beats: grown({ listenDrops: 4 }), finds: [] },
    {
      claim: "is silent when nobody looked",
      beats: [...grown({ listenDrops: 500 }), { transport: null }],
      finds: [],
    },
  ]);
});

describe("the machine itself", () => {
  const pressure = (someRatio: number, fullRatio = 0) => ({
    pressure: [{ resource: "memory" as const, someRatio, fullRatio }],
  });
  const storage = (availableBytes: number, writable = true, totalBytes = 1_000) => ({
    storage: [{ path: "/data", totalBytes, availableBytes, writable }],
  });
  const isLow = ["storage-low:storage//data"];
  table([
    { claim: "bears a little pressure", beats: [pressure(0.49)], finds: [] },
    {
      claim: "finds pressure from the limit on",
      beats: [pressure(0.5)],
      finds: ["resource-pressure:resource/memory"],
    },
    { claim: "bears a disk with room", beats: [storage(50)], finds: [] },
    { claim: "finds a disk that runs full", beats: [storage(49)], finds: isLow },
    {
      claim: "finds a disk that refuses writes, room or not",
      beats: [storage(900, false)],
      finds: isLow,
    },
    { claim: "takes a disk without any size as full", beats: [storage(0, true, 0)], finds: isLow },
  ]);

  it.each([
    { section: pressure(0.6, 0.1), severity: "warning" },
    { section: pressure(0.9, 0.5), severity: "critical" },
    { section: storage(10), severity: "warning" },
    { section: storage(900, false), severity: "critical" },
  ])("weighs it: $severity", ({ section, severity }) => {
    expect(findingsOf({ beats: [section] })[0]?.severity).toBe(severity);
  });
});

describe("sensor-failed", () => {
  const failing = (code: string) => ({
    faults: [{ sensor: "transport" as const, fault: fault(code, "no such file") }],
  });
  table([
    {
      claim: "is found for every sensor that fails",
      beats: [failing("E_SENSOR_TIMEOUT")],
      finds: ["sensor-failed:sensor/transport"],
    },
    {
      claim: "is not found for what this machine does not have",
      beats: [failing("E_NOT_SUPPORTED")],
      finds: [],
    },
  ]);
});

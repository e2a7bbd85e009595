import { describe, expect, it } from "vitest";
import {
  isOperational,
  recordObservation,
} from "../../../../src/mape-k/knowledge/record-observation.ts";
import { TimeSeries } from "../../../../src/mape-k/knowledge/time-series.ts";
import {
  interfaceReading,
  observation,
  targetReading,
  transportReading,
} from "../support/readings.ts";

describe("isOperational", () => {
  it.each([
    { adminUp: true, operState: "up", is: true },
    { adminUp: true, operState: "unknown", is: true },
    { adminUp: true, operState: "dormant", is: false },
    { adminUp: true, operState: "lowerlayerdown", is: false },
    { adminUp: true, operState: "down", is: false },
    { adminUp: false, operState: "down", is: false },
    { adminUp: false, operState: "unknown", is: false },
  ] as const)("adminUp $adminUp, operState $operState: $is", ({ is, ...reading }) => {
    expect(isOperational(interfaceReading(reading))).toBe(is);
  });
});

describe("recordObservation", () => {
  const full = observation({
    interfaces: [interfaceReading()],
    targets: [targetReading({ reachability: { kind: "unreachable", reason: "silence" } })],
    transport: transportReading(),
    pressure: [{ resource: "cpu", someRatio: 0.5, fullRatio: 0 }],
    storage: [{ path: "/data", totalBytes: 10, availableBytes: 5, writable: true }],
    process: { rssBytes: 1, heapUsedBytes: 2, cpuMs: 3, eventLoopDelayMaxMs: 4 },
  });

  it("keeps every section under its own subject", () => {
    const series = new TimeSeries({ windowBeats: 2, maxSeries: 100 });
    recordObservation(series, full);
    expect(series.subjects().toSorted()).toEqual([
      "interface/mesh0",
      "node/process",
      "node/transport",
      "resource/cpu",
      "storage//data",
      "target/gateway",
    ]);
    expect(series.rows("node/process")?.metrics).toEqual({
      rssBytes: [1],
      heapUsedBytes: [2],
      cpuMs: [3],
      eventLoopDelayMaxMs: [4],
    });
  });

  it("has no latency for a target that did not answer", () => {
    const series = new TimeSeries({ windowBeats: 2, maxSeries: 100 });
    recordObservation(series, full);
    expect(series.rows("target/gateway")?.metrics["latencyMs"]).toEqual([Number.NaN]);
  });

  it("keeps nothing of what was not observed", () => {
    const series = new TimeSeries({ windowBeats: 2, maxSeries: 100 });
    recordObservation(series, observation());
    expect(series.subjects()).toEqual([]);
  });
});

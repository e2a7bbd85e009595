import { describe, expect, it } from "vitest";
import { failed, fault, ok } from "../../../../src/base/index.ts";
import { Monitor } from "../../../../src/mape-k/monitor/monitor.ts";
import type { Sensors } from "../../../../src/mape-k/monitor/sensor.ts";
import { ManualClock, settle } from "../../support/manual-clock.ts";
import { interfaceReading, transportReading } from "../support/readings.ts";

const never = () => new Promise<never>(() => {});
const unbound = new AbortController().signal;

function monitorOf(sensors: Sensors) {
  const clock = new ManualClock();
  const samples: string[] = [];
  const onSample = (sensor: string, tookMs: number, bad: boolean) =>
    void samples.push(`${sensor} ${tookMs} ms${bad ? " failed" : ""}`);
  return { clock, samples, monitor: new Monitor({ clock, sensors, onSample }, { timeoutMs: 800 }) };
}

describe("Monitor", () => {
  it("makes one observation of all sensors, null where there is none", async () => {
    const interfaces = [interfaceReading()];
    const transport = transportReading();
    const { monitor, clock } = monitorOf({
      interfaces: { sample: () => ok(interfaces) },
      transport: { sample: async () => ok(transport) },
    });
    await clock.advance(5_000);
    const seen = await monitor.observe(7, unbound);
    expect(seen).toEqual({
      beat: 7,
      atMs: 5_000,
      wallMs: clock.wallMs(),
      interfaces,
      transport,
      targets: null,
      pressure: null,
      storage: null,
      process: null,
      mesh: null,
      linkLoss: null,
      consensus: null,
      faults: [],
    });
    expect(monitor.sensors).toEqual(["interfaces", "transport"]);
  });

  it("turns a fault, a throw and a rejection into faults, and keeps the rest", async () => {
    const { monitor, samples } = monitorOf({
      interfaces: { sample: () => failed(fault("E_PROC", "no procfs")) },
      targets: {
        sample() {
          throw new Error("a bug");
        },
      },
      pressure: { sample: () => Promise.reject(new Error("another")) },
      transport: { sample: () => ok(transportReading()) },
    });
    const seen = await monitor.observe(1, unbound);
    expect(seen.transport).not.toBeNull();
    expect([seen.interfaces, seen.targets, seen.pressure]).toEqual([null, null, null]);
    const faults = seen.faults.map(({ sensor, fault: { code, message } }) => [
      sensor,
      code,
      message,
    ]);
    expect(faults.toSorted()).toEqual([
      ["interfaces", "E_PROC", "no procfs"],
      ["pressure", "E_SENSOR_FAILED", "pressure: another"],
      ["targets", "E_SENSOR_FAILED", "targets: a bug"],
    ]);
    expect(samples.toSorted()).toEqual([
      "interfaces 0 ms failed",
      "pressure 0 ms failed",
      "targets 0 ms failed",
      "transport 0 ms",
    ]);
  });

  it("waits for a slow sensor until its time is up, and no longer", async () => {
    const { monitor, clock } = monitorOf({
      storage: { sample: never },
      transport: { sample: () => ok(transportReading()) },
    });
    const observed = monitor.observe(1, unbound);
    await clock.advance(800);
    const seen = await observed;
    expect(seen.faults).toMatchObject([{ sensor: "storage", fault: { code: "E_SENSOR_TIMEOUT" } }]);
    expect(seen.transport).not.toBeNull();
    expect(clock.sleepers).toBe(0);
  });

  it("does not ask a sensor again that has not answered, and asks it again once it has", async () => {
    let asked = 0;
    let answer = Promise.withResolvers<ReturnType<typeof ok<[]>>>();
    const { monitor, clock } = monitorOf({
      storage: {
        sample() {
          asked++;
          return answer.promise;
        },
      },
    });
    const first = monitor.observe(1, unbound);
    await clock.advance(800);
    await first;
    for (let beat = 2; beat < 50; beat++) {
      const seen = await monitor.observe(beat, unbound);
      expect(seen.faults).toMatchObject([
        { fault: { message: "storage: still at its last sample" } },
      ]);
    }
    expect(asked).toBe(1);
    answer.resolve(ok([]));
    await settle();
    answer = Promise.withResolvers();
    answer.resolve(ok([]));
    expect((await monitor.observe(50, unbound)).storage).toEqual([]);
    expect(asked).toBe(2);
  });

  it("tells its sensors to end when their time is up", async () => {
    let given: AbortSignal = unbound;
    const { monitor, clock } = monitorOf({
      storage: {
        sample(signal) {
          given = signal;
          return never();
        },
      },
    });
    const observed = monitor.observe(1, unbound);
    expect(given.aborted).toBe(false);
    await clock.advance(800);
    await observed;
    expect(given.aborted).toBe(true);
  });

  it.each(["before", "during"])("ends at once when it is stopped %s a beat", async (when) => {
    const stopping = new AbortController();
    const { monitor, clock } = monitorOf({ storage: { sample: never } });
    if (when === "before") stopping.abort();
    const observed = monitor.observe(1, stopping.signal);
    if (when === "during") stopping.abort();
    const seen = await observed;
    expect(seen.faults).toHaveLength(1);
    expect(clock.monotonicMs()).toBe(0);
  });

  it("closes every sensor, whatever the others do", async () => {
    const closed: string[] = [];
    const sample = never;
    const { monitor } = monitorOf({
      interfaces: {
        sample,
        close() {
          throw new Error("already gone");
        },
      },
      storage: { sample, close: async () => void closed.push("storage") },
      process: { sample },
    });
    await monitor.close();
    expect(closed).toEqual(["storage"]);
  });
});

import { describe, expect, it } from "vitest";
import { type Clock, fault, ok, seededRandom } from "../../../../../src/base/index.ts";
import type { Probe, ProbeResult } from "../../../../../src/mape-k/io/linux/probe.ts";
import {
  networkProbes,
  type ProbedTarget,
  TargetsSensor,
} from "../../../../../src/mape-k/io/linux/targets-sensor.ts";

/** A clock that a test moves by hand. */
class ManualClock implements Clock {
  #nowMs = 0;
  #sleepers: { atMs: number; wake: () => void }[] = [];

  monotonicMs = () => this.#nowMs;
  wallMs = () => this.#nowMs;
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((wake) => {
      this.#sleepers.push({ atMs: this.#nowMs + delayMs, wake });
      signal?.addEventListener("abort", () => wake(), { once: true });
    });
  }
  /** Moves in steps of 10 ms, letting everything that woke run before the next. */
  async advance(byMs: number): Promise<void> {
    for (let passedMs = 0; passedMs < byMs; passedMs += 10) {
      this.#nowMs += 10;
      const due = this.#sleepers.filter((sleeper) => sleeper.atMs <= this.#nowMs);
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.atMs > this.#nowMs);
      for (const sleeper of due) sleeper.wake();
      for (let turn = 0; turn < 10; turn++) await new Promise((done) => setImmediate(done));
    }
  }
}

const target = (name: string, changes: Partial<ProbedTarget> = {}): ProbedTarget => ({
  name,
  url: `tcp://${name}:1`,
  intervalMs: 1000,
  timeoutMs: 300,
  ...changes,
});

function setUp(probes: Record<string, Probe>, maxConcurrent = 16) {
  const clock = new ManualClock();
  const sensor = new TargetsSensor(
    {
      clock,
      random: seededRandom(7),
      makeProbe: ({ name }) => {
        const probe = probes[name];
        if (probe === undefined) throw new Error(`no probe of ${name}`);
        return ok(probe);
      },
    },
    { targets: Object.keys(probes).map((name) => target(name)), maxConcurrent },
  );
  const read = () => {
    const sample = sensor.sample();
    if (!sample.ok) throw new Error(sample.fault.message);
    return sample.value;
  };
  return { clock, sensor, read };
}

const answer: Probe = async () => ({ kind: "answer" });
const noAnswer: Probe = async () => ({ kind: "no-answer", reason: "refused" });
/** Says nothing until it is told to give up. */
const silence: Probe = (signal) =>
  new Promise((resolve) => {
    const giveUp = () => resolve({ kind: "no-answer", reason: "silence" });
    signal.addEventListener("abort", giveUp, { once: true });
  });

describe("the targets sensor", () => {
  it("knows nothing before the first probe has ended", () => {
    const { read } = setUp({ one: answer });
    expect(read()).toEqual([
      {
        name: "one",
        url: "tcp://one:1",
        reachability: { kind: "unknown" },
        failuresInARow: 0,
        probes: 0,
        failures: 0,
      },
    ]);
  });

  it("probes each target once an interval", async () => {
    const { clock, sensor, read } = setUp({ one: answer });
    sensor.start();
    await clock.advance(5000);
    expect(read()[0]).toMatchObject({
      probes: 5,
      failures: 0,
      reachability: { kind: "reachable" },
    });
    await sensor.close();
  });

  it("spreads the first probes over the interval", async () => {
    const startedMs: number[] = [];
    const note: Probe = async () => {
      startedMs.push(clock.monotonicMs());
      return { kind: "answer" };
    };
    const names = Array.from({ length: 20 }, (_, number) => [`t${number}`, note] as const);
    const { clock, sensor } = setUp(Object.fromEntries(names));
    sensor.start();
    await clock.advance(1000);
    expect(startedMs.length).toBe(20);
    expect(new Set(startedMs).size).toBeGreaterThan(10);
    await sensor.close();
  });

  it("counts failures in a row until the next answer", async () => {
    const results: ProbeResult["kind"][] = ["no-answer", "no-answer", "answer", "no-answer"];
    const scripted: Probe = async () =>
      results.shift() === "answer" ? { kind: "answer" } : { kind: "no-answer", reason: "refused" };
    const { clock, sensor, read } = setUp({ one: scripted });
    sensor.start();
    const seen: number[] = [];
    for (let probe = 0; probe < 4; probe++) {
      await clock.advance(1000);
      seen.push(read()[0]?.failuresInARow ?? -1);
    }
    expect(seen).toEqual([1, 2, 0, 1]);
    expect(read()[0]).toMatchObject({ probes: 4, failures: 3 });
    await sensor.close();
  });

  it("gives up after the target's timeout and measures latency", async () => {
    const { clock, sensor, read } = setUp({ one: silence, two: answer });
    sensor.start();
    await clock.advance(1400);
    expect(read()[0]?.reachability).toEqual({ kind: "unreachable", reason: "silence" });
    expect(read()[1]?.reachability).toEqual({ kind: "reachable", latencyMs: 0 });
    await sensor.close();
  });

  it("does not hold against a target that the node itself could not ask", async () => {
    const unable: Probe = async () => ({ kind: "not-tried", reason: "no ping" });
    const { clock, sensor, read } = setUp({ one: unable });
    sensor.start();
    await clock.advance(3000);
    const reachability = { kind: "unknown", reason: "no ping" };
    expect(read()[0]).toMatchObject({ probes: 0, failures: 0, failuresInARow: 0, reachability });
    await sensor.close();
  });

  it("goes on after a probe that throws", async () => {
    let calls = 0;
    const broken: Probe = async () => {
      if (calls++ === 0) throw new Error("a bug");
      return { kind: "answer" };
    };
    const { clock, sensor, read } = setUp({ one: broken });
    sensor.start();
    await clock.advance(1000);
    expect(read()[0]?.reachability).toMatchObject({ kind: "unknown" });
    await clock.advance(1000);
    expect(read()[0]).toMatchObject({ probes: 1, reachability: { kind: "reachable" } });
    await sensor.close();
  });

  it("never has more probes under way than it may", async () => {
    let underWay = 0;
    let most = 0;
    const slow: Probe = async (signal) => {
      most = Math.max(most, ++underWay);
      const result = await silence(signal);
      underWay--;
      return result;
    };
    const names = Array.from({ length: 10 }, (_, number) => [`t${number}`, slow] as const);
    const { clock, sensor, read } = setUp(Object.fromEntries(names), 3);
    sensor.start();
    await clock.advance(4000);
    expect(most).toBe(3);
    expect(read().every((reading) => reading.probes > 0)).toBe(true);
    await sensor.close();
  });

  it("breaks everything off when closed, also what waits its turn", async () => {
    const { clock, sensor, read } = setUp({ one: silence, two: silence, three: noAnswer }, 1);
    sensor.start();
    await clock.advance(1000);
    await sensor.close();
    const before = read();
    await clock.advance(5000);
    expect(read()).toEqual(before);
  });

  it("answers every sample with the fault of a target it cannot probe", () => {
    const clock = new ManualClock();
    const sensor = new TargetsSensor(
      { clock, random: seededRandom(7), makeProbe: networkProbes(clock, neverRun) },
      { targets: [target("one", { url: "icmp://-f" })], maxConcurrent: 16 },
    );
    sensor.start();
    expect(sensor.sample()).toMatchObject({ ok: false, fault: { code: "E_BAD_TARGET" } });
  });
});

const neverRun = async () => ({ ok: false, fault: fault("E_NO_COMMAND", "none") }) as const;

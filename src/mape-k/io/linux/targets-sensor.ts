/**
 * Probes every target at its own interval, in the background; a sample only reads what is known. The
 * first probes are spread by chance, so that a mesh that boots at once does not ask at once.
 */

import {
  type Clock,
  type Fault,
  failed,
  messageOf,
  ok,
  type Random,
  type Result,
} from "../../../base/index.ts";
import type { Sensor } from "../../monitor/sensor.ts";
import type { Reachability, TargetReading } from "../../observation.ts";
import { hostLookup } from "./host-lookup.ts";
import { icmpProbe } from "./icmp-probe.ts";
import { type Probe, type ProbeResult, parseProbeUrl } from "./probe.ts";
import { commandRunner, type RunCommand } from "./run-command.ts";
import { Slots } from "./slots.ts";
import { tcpProbe } from "./tcp-probe.ts";

export interface ProbedTarget {
  readonly name: string;
  /** `tcp://host:port` or `icmp://host`. */
  readonly url: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** Makes the probe of a target; the fault says what is wrong with its URL. */
export type ProbeMaker = (target: ProbedTarget) => Result<Probe, Fault>;

export interface TargetsSensorParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly makeProbe: ProbeMaker;
}

export interface TargetsSensorOptions {
  readonly targets: readonly ProbedTarget[];
  /** Probes under way at once. */
  readonly maxConcurrent: number;
}

/** Probes over the real network. */
export function networkProbes(clock: Clock, run: RunCommand = commandRunner(clock)): ProbeMaker {
  return (target) => {
    const address = parseProbeUrl(target.url);
    if (!address.ok) return address;
    const { kind, host } = address.value;
    if (kind === "icmp") return ok(icmpProbe(run, host, target.timeoutMs));
    return ok(tcpProbe(hostLookup(run), host, address.value.port));
  };
}

interface Watch {
  readonly target: ProbedTarget;
  reachability: Reachability;
  failuresInARow: number;
  probes: number;
  failures: number;
}

export class TargetsSensor implements Sensor<readonly TargetReading[]> {
  readonly #parts: TargetsSensorParts;
  readonly #watches: readonly Watch[];
  readonly #slots: Slots;
  readonly #stop = new AbortController();
  #loops: readonly Promise<void>[] = [];
  #fault: Fault | null = null;

  constructor(parts: TargetsSensorParts, options: TargetsSensorOptions) {
    this.#parts = parts;
    this.#slots = new Slots(options.maxConcurrent);
    this.#watches = options.targets.map((target) => ({
      target,
      reachability: { kind: "unknown" },
      failuresInARow: 0,
      probes: 0,
      failures: 0,
    }));
  }

  /** Begins probing. The fault of a URL that cannot be probed is what every sample answers. */
  start(): void {
    if (this.#loops.length > 0 || this.#stop.signal.aborted) return;
    const probes: Probe[] = [];
    for (const watch of this.#watches) {
      const probe = this.#parts.makeProbe(watch.target);
      if (probe.ok) probes.push(probe.value);
      else this.#fault = probe.fault;
    }
    if (this.#fault !== null) return;
    this.#loops = probes.map((probe, place) => this.#watchTarget(probe, place));
  }

  sample(): Result<readonly TargetReading[]> {
    if (this.#fault !== null) return failed(this.#fault);
    return ok(
      this.#watches.map(({ target, ...seen }) => ({ name: target.name, url: target.url, ...seen })),
    );
  }

  /** Breaks off every probe and waits until the last has gone. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }

  async #watchTarget(probe: Probe, place: number): Promise<void> {
    const watch = this.#watches[place];
    if (watch === undefined) return;
    const { clock, random } = this.#parts;
    const { intervalMs } = watch.target;
    const signal = this.#stop.signal;
    let nextMs = clock.monotonicMs() + (random.uint32() / 2 ** 32) * intervalMs;
    for (;;) {
      await clock.sleep(Math.max(0, nextMs - clock.monotonicMs()), signal);
      if (signal.aborted || !(await this.#slots.take(signal))) return;
      try {
        await this.#probeOnce(watch, probe);
      } finally {
        this.#slots.release();
      }
      // Beats that passed while this probe waited or ran are left out, not caught up with.
      const nowMs = clock.monotonicMs();
      nextMs += intervalMs * Math.max(1, Math.ceil((nowMs - nextMs) / intervalMs));
    }
  }

  async #probeOnce(watch: Watch, probe: Probe): Promise<void> {
    const { clock } = this.#parts;
    const ended = new AbortController();
    const giveUp = new AbortController();
    const stop = this.#stop.signal;
    const startMs = clock.monotonicMs();
    void clock
      .sleep(watch.target.timeoutMs, AbortSignal.any([stop, ended.signal]))
      .then(() => giveUp.abort());
    try {
      const result = await probe(giveUp.signal);
      if (!stop.aborted) record(watch, result, clock.monotonicMs() - startMs);
    } catch (thrown) {
      // A probe that throws is a bug in it; it must not end the watch of the target.
      record(watch, { kind: "not-tried", reason: `probe failed: ${messageOf(thrown)}` }, 0);
    } finally {
      ended.abort();
    }
  }
}

function record(watch: Watch, result: ProbeResult, latencyMs: number): void {
  if (result.kind === "not-tried") {
    // Says nothing about the target: neither for nor against it.
    watch.reachability = { kind: "unknown", reason: result.reason };
    return;
  }
  watch.probes++;
  if (result.kind === "answer") {
    watch.failuresInARow = 0;
    watch.reachability = { kind: "reachable", latencyMs };
    return;
  }
  watch.failures++;
  watch.failuresInARow++;
  watch.reachability = { kind: "unreachable", reason: result.reason };
}

/**
 * Takes one sample of every sensor, all at once, and makes the beat's observation of them. A sensor
 * that fails, throws or does not answer in time is a fault in the observation; one that has not
 * answered is not asked again until it has.
 */

import { type Clock, fault, messageOf, type Result } from "../../base/index.ts";
import type { Observation, SectionName, Sections, SensorFault } from "../observation.ts";
import type { Sensor, Sensors } from "./sensor.ts";

export interface MonitorOptions {
  /** How long the slowest sensor may take. */
  readonly timeoutMs: number;
}

type AnySection = Sections[SectionName];

export class Monitor {
  readonly #clock: Clock;
  readonly #sensors: readonly (readonly [SectionName, Sensor<AnySection>])[];
  readonly #options: MonitorOptions;
  readonly #onSample: (sensor: SectionName, tookMs: number, failed: boolean) => void;
  readonly #busy = new Set<SectionName>();

  constructor(
    parts: {
      readonly clock: Clock;
      readonly sensors: Sensors;
      readonly onSample?: (sensor: SectionName, tookMs: number, failed: boolean) => void;
    },
    options: MonitorOptions,
  ) {
    this.#clock = parts.clock;
    this.#sensors = Object.entries(parts.sensors) as [SectionName, Sensor<AnySection>][];
    this.#onSample = parts.onSample ?? (() => {});
    this.#options = options;
  }

  get sensors(): readonly SectionName[] {
    return this.#sensors.map(([name]) => name);
  }

  async observe(beat: number, signal: AbortSignal): Promise<Observation> {
    const atMs = this.#clock.monotonicMs();
    const wallMs = this.#clock.wallMs();
    const beatEnd = new AbortController();
    const stop = () => beatEnd.abort();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const sections: Partial<Record<SectionName, AnySection>> = {};
    const faults: SensorFault[] = [];
    await Promise.all(
      this.#sensors.map(async ([name, sensor]) => {
        const startedMs = this.#clock.monotonicMs();
        const result = await this.#sample(name, sensor, beatEnd.signal);
        if (result.ok) sections[name] = result.value;
        else faults.push({ sensor: name, fault: result.fault });
        this.#onSample(name, this.#clock.monotonicMs() - startedMs, !result.ok);
      }),
    );
    signal.removeEventListener("abort", stop);
    beatEnd.abort();
    const none = {
      interfaces: null,
      targets: null,
      transport: null,
      pressure: null,
      storage: null,
      process: null,
      mesh: null,
      linkLoss: null,
      consensus: null,
    };
    return { ...none, ...sections, beat, atMs, wallMs, faults } as Observation;
  }

  async #sample(
    name: SectionName,
    sensor: Sensor<AnySection>,
    signal: AbortSignal,
  ): Promise<Result<AnySection>> {
    if (this.#busy.has(name)) {
      return { ok: false, fault: fault("E_SENSOR_TIMEOUT", `${name}: still at its last sample`) };
    }
    try {
      const answer = sensor.sample(signal);
      if (!(answer instanceof Promise)) return answer;
      this.#busy.add(name);
      const settled = answer.finally(() => this.#busy.delete(name)).catch(asFault(name));
      const timeout = this.#clock.sleep(this.#options.timeoutMs, signal).then(() => ({
        ok: false as const,
        fault: fault("E_SENSOR_TIMEOUT", `${name}: no sample in ${this.#options.timeoutMs} ms`),
      }));
      return await Promise.race([settled, timeout]);
    } catch (thrown) {
      return asFault(name)(thrown);
    }
  }

  /** Closes the sensors; each gets its chance whatever the others do. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#sensors.map(async ([, sensor]) => sensor.close?.()));
  }
}

function asFault(name: SectionName) {
  return (thrown: unknown) => ({
    ok: false as const,
    fault: fault("E_SENSOR_FAILED", `${name}: ${messageOf(thrown)}`),
  });
}

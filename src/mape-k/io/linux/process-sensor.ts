/**
 * Samples this process itself. The delay of the event loop is measured with a timer of our own:
 * `monitorEventLoopDelay` forgets its last tick at every reset, so a stall that begins in the turn
 * of the reset, where the loop does its work, is not recorded (tried on Node 24).
 */

import process from "node:process";
import { type Clock, ok, type Result } from "../../../base/index.ts";
import type { Sensor } from "../../monitor/sensor.ts";
import type { ProcessReading } from "../../observation.ts";

/** A stall shorter than this is not seen. */
const resolutionMs = 10;

export class ProcessSensor implements Sensor<ProcessReading> {
  readonly #clock: Clock;
  #timer: ReturnType<typeof setInterval> | null = null;
  #lastTickMs = 0;
  #delayMaxMs = 0;

  constructor(parts: { readonly clock: Clock }) {
    this.#clock = parts.clock;
  }

  /** Starts measuring the event loop; does not keep the process alive. */
  start(): void {
    if (this.#timer !== null) return;
    this.#lastTickMs = this.#clock.monotonicMs();
    this.#timer = setInterval(() => this.#tick(), resolutionMs);
    this.#timer.unref();
  }

  sample(): Result<ProcessReading> {
    if (this.#timer !== null) this.#tick();
    const delayMaxMs = this.#delayMaxMs;
    this.#delayMaxMs = 0;
    const memory = process.memoryUsage();
    const cpu = process.cpuUsage();
    return ok({
      rssBytes: memory.rss,
      heapUsedBytes: memory.heapUsed,
      cpuMs: (cpu.user + cpu.system) / 1000,
      eventLoopDelayMaxMs: delayMaxMs,
    });
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #tick(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#delayMaxMs = Math.max(this.#delayMaxMs, nowMs - this.#lastTickMs - resolutionMs);
    this.#lastTickMs = nowMs;
  }
}

/**
 * When the next beat is due. Beats keep a fixed rate; one that comes a whole period late is left out
 * and counted, never caught up in a burst. News that should not wait for its turn brings a beat in
 * between, and no more of them than the machine can bear: the rate of the others stays what it is.
 */

import type { Clock } from "../../base/index.ts";

export interface DueBeat {
  readonly latenessMs: number;
  /** Beats left out before this one. */
  readonly missed: number;
}

/** News seldom comes alone; and what a sensor reads in milliseconds must have grown past its limit. */
const settleMs = 50;
/** A beat in between begins so long after the one before it at least. */
const leastGapMs = 250;

export class BeatPacer {
  readonly #clock: Clock;
  readonly #periodMs: number;
  #dueMs: number | null = null;
  #beganMs = Number.NEGATIVE_INFINITY;
  #newsMs: number | null = null;
  #wake: () => void = () => {};

  constructor(parts: { readonly clock: Clock }, options: { readonly periodMs: number }) {
    this.#clock = parts.clock;
    this.#periodMs = options.periodMs;
  }

  /** The next beat need not wait for its turn. Cheap; call it as often as there is news. */
  hasten(): void {
    if (this.#newsMs !== null) return;
    this.#newsMs = this.#clock.monotonicMs();
    this.#wake();
  }

  /** Resolves when a beat is due, the first at once; and when `signal` aborts. */
  async next(signal: AbortSignal): Promise<DueBeat> {
    if (this.#dueMs === null) return this.#begin(this.#clock.monotonicMs());
    for (;;) {
      await this.#sleepUntil(Math.min(this.#dueMs, this.#earlyMs()), signal);
      const isDue = this.#clock.monotonicMs() >= Math.min(this.#dueMs, this.#earlyMs());
      if (isDue || signal.aborted) return this.#begin(this.#dueMs);
    }
  }

  #begin(dueMs: number): DueBeat {
    const nowMs = this.#clock.monotonicMs();
    this.#beganMs = nowMs;
    this.#newsMs = null;
    if (nowMs < dueMs) return { latenessMs: 0, missed: 0 };
    const latenessMs = nowMs - dueMs;
    const missed = Math.floor(latenessMs / this.#periodMs);
    this.#dueMs = dueMs + (missed + 1) * this.#periodMs;
    return { latenessMs, missed };
  }

  #earlyMs(): number {
    if (this.#newsMs === null) return Number.POSITIVE_INFINITY;
    return Math.max(this.#newsMs + settleMs, this.#beganMs + leastGapMs);
  }

  /** Or until there is news. */
  async #sleepUntil(atMs: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const wake = () => woken.abort();
    signal.addEventListener("abort", wake, { once: true });
    if (signal.aborted) wake();
    this.#wake = wake;
    await this.#clock.sleep(Math.max(0, atMs - this.#clock.monotonicMs()), woken.signal);
    this.#wake = () => {};
    signal.removeEventListener("abort", wake);
  }
}

/**
 * One timer for whatever is due next. Deadlines mostly move away as heartbeats come, so it is only
 * set anew when something is due earlier than it is armed for; one that fires early does no harm.
 */

import type { Clock } from "../../base/index.ts";

export class WakeTimer {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #armed: { readonly atMs: number; readonly cancel: AbortController } | null = null;

  constructor(parts: { readonly clock: Clock; readonly onDue: () => void }) {
    this.#clock = parts.clock;
    this.#onDue = parts.onDue;
  }

  armFor(atMs: number): void {
    if (atMs === Number.POSITIVE_INFINITY) return;
    if (this.#armed !== null && this.#armed.atMs <= atMs) return;
    this.cancel();
    const armed = { atMs, cancel: new AbortController() };
    this.#armed = armed;
    const delayMs = Math.max(0, atMs - this.#clock.monotonicMs());
    void this.#clock.sleep(delayMs, armed.cancel.signal).then(() => {
      if (this.#armed !== armed) return;
      this.#armed = null;
      this.#onDue();
    });
  }

  cancel(): void {
    const armed = this.#armed;
    this.#armed = null;
    armed?.cancel.abort();
  }
}

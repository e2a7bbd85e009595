/** Times the phases of one beat, each as a span and a measurement. */

import type { Clock, Span } from "../../base/index.ts";

export type Phase = "monitor" | "knowledge" | "analyze" | "plan" | "guard" | "execute";

export interface PhaseStopwatchParts {
  readonly clock: Clock;
  readonly onPhase?: (phase: Phase, tookMs: number) => void;
}

export class PhaseStopwatch {
  readonly #parts: PhaseStopwatchParts;
  readonly #span: Span;
  #sinceMs: number;

  constructor(parts: PhaseStopwatchParts, span: Span) {
    this.#parts = parts;
    this.#span = span;
    this.#sinceMs = parts.clock.monotonicMs();
  }

  /** The phase ends now; it began where the one before it ended. */
  lap(phase: Phase): void {
    const nowMs = this.#parts.clock.monotonicMs();
    this.#parts.onPhase?.(phase, nowMs - this.#sinceMs);
    this.#span.lap(`mape-k.${phase}`, nowMs - this.#sinceMs);
    this.#sinceMs = nowMs;
  }
}

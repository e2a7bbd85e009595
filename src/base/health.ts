/**
 * What one part of the node says of itself. `/health` is the list of these; the words are for
 * the operator who was woken up.
 */

export type HealthState = "ok" | "degraded" | "failed";

export interface Health {
  readonly state: HealthState;
  /** Why it is in this state. */
  readonly reason: string;
  /** What to do about it; absent when all is well. */
  readonly remedy?: string;
}

export interface HealthSource {
  readonly component: string;
  /** Must answer from memory: no I/O, no waiting. */
  health(): Health;
}

export const healthy = (reason: string): Health => ({ state: "ok", reason });

/**
 * The port to what is agreed on. What an adapter must guarantee is that its durable state always is
 * the state after some entry, and that it can name that entry: the log is replayed from there.
 */

import type { Entry, LogPosition } from "./log-entry.ts";

/** @public */
export interface StateMachine<Reply> {
  /** The last entry that is in the durable state; the log is replayed from behind it. */
  applied(): LogPosition;
  /**
   * In order; one reply per command entry; no-op and membership entries only advance `applied`.
   * Rejects only when the state cannot be trusted any more: the process then has to end.
   */
  apply(entries: readonly Entry[]): Promise<readonly Reply[]>;
  /** A consistent picture of now; the state goes on changing while chunks are read. */
  snapshot(signal: AbortSignal): {
    readonly position: LogPosition;
    readonly chunks: AsyncIterable<Uint8Array>;
  };
  /** Replaces everything, atomically: a crash half-way leaves the old or the new. */
  restore(
    position: LogPosition,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>;
}

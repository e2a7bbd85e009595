/**
 * The port to the durable log. What an adapter must guarantee is what the core's proof rests on:
 * writes become durable in the order they were issued, and what was confirmed is found again.
 */

import type { Result } from "../base/index.ts";
import type { HardState } from "./effect.ts";
import type { Entry, LogPosition } from "./log-entry.ts";
import type { SnapshotMeta } from "./message.ts";

/** A `persist` effect without its token. */
export interface LogWrite {
  readonly hardState: HardState | null;
  /** The first one replaces everything in the log at or after its index. */
  readonly entries: readonly Entry[];
}

export interface RecoveredLog {
  readonly hardState: HardState;
  /** The position before the first entry. */
  readonly base: LogPosition;
  readonly entries: readonly Entry[];
}

/** @public */
export interface RaftLog {
  /**
   * Reads the log back, before anything else is called. A torn end, never confirmed, is cut off. An
   * unreadable entry before the end is not: the log then ends before it, and the hard state carries
   * a `repair` with the last index that may have been acknowledged, durably, before this answers. A
   * log that starts behind `snapshot` or does not hold its position is emptied up to it. Faults:
   * E_LOG_DAMAGED when the hard state itself cannot be trusted.
   */
  recover(snapshot: SnapshotMeta | null): Promise<Result<RecoveredLog>>;

  /**
   * Resolves once this write and all before it are synced; several may wait for one sync. A full
   * disk keeps it waiting and is told to `onFull`. Rejects only when the log must not be used
   * again, as after a failed sync, which tells nothing about what reached the disk: the process has
   * to end.
   */
  write(write: LogWrite): Promise<void>;

  /**
   * The log may forget everything up to `upTo`, which `snapshot` covers. Follows earlier writes.
   */
  compact(upTo: LogPosition, snapshot: SnapshotMeta): Promise<void>;

  /** Empties the log and continues behind `snapshot`. Follows earlier writes. */
  reset(snapshot: SnapshotMeta): Promise<void>;

  /** Called with true when the disk has no room, with false when it has again. */
  onFull(listener: (full: boolean) => void): void;

  /** Waits for the writes under way. Never fails half-way. */
  stop(): Promise<void>;
}

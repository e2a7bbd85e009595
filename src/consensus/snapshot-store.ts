/**
 * The port to where snapshots are kept: the node's own, and one on its way in. What travels between
 * stores is their own encoding, metadata and checksums included, so that a receiver can verify it.
 */

import type { Result } from "../base/index.ts";
import type { LogIndex } from "./log-entry.ts";
import type { SnapshotMeta } from "./message.ts";

export interface SnapshotChunk {
  readonly bytes: Uint8Array;
  readonly done: boolean;
}

/** @public */
export interface SnapshotStore {
  /** The newest whole snapshot, or null. */
  latest(): SnapshotMeta | null;

  /** Null when that snapshot is gone: replaced by a newer one, or found damaged. */
  readChunk(
    index: LogIndex,
    offset: number,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<SnapshotChunk | null>;

  /**
   * Stores part of a snapshot on its way in, beside the current one; offset 0 starts it anew. A full
   * disk keeps it waiting.
   */
  writeChunk(index: LogIndex, offset: number, bytes: Uint8Array): Promise<void>;

  /**
   * Verifies what came in, syncs it and makes it the latest (rename). False, and nothing changed,
   * when its checksum or its metadata do not fit.
   */
  install(snapshot: SnapshotMeta): Promise<boolean>;

  /**
   * Writes the state machine's own snapshot and makes it the latest, durably. Faults:
   * E_SNAPSHOT_WRITE (the disk refused, or `chunks` failed), E_SNAPSHOT_ABORTED (by `signal`),
   * E_SNAPSHOT_OUTDATED (the latest is as new by now); nothing changed then.
   */
  save(
    snapshot: SnapshotMeta,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Result<SnapshotMeta>>;

  /**
   * What was saved as the snapshot at `index`, here or where it came from, cut anywhere, to restore
   * a state machine from. Throws when it is gone, or damaged: what came before was sound, but it is
   * not whole.
   */
  read(index: LogIndex, signal: AbortSignal): AsyncIterable<Uint8Array>;

  /** Called when a snapshot proves damaged while it is read: it is gone, another should be taken. */
  onDamaged(listener: (index: LogIndex) => void): void;
}

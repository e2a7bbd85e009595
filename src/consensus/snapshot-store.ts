/** The port to where snapshots are kept: the node's own, and one on its way in. */

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

  /** Makes a picture of the own state the latest, durably. The old one stays until then. */
  save(
    snapshot: SnapshotMeta,
    chunks: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Result<SnapshotMeta>>;

  /** The content of the latest, verified as it is read: iterating throws when it is damaged. */
  read(): AsyncIterable<Uint8Array>;

  /** Null when that snapshot is gone, replaced by a newer one. */
  readChunk(
    index: LogIndex,
    offset: number,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<SnapshotChunk | null>;

  /** Stores part of a snapshot on its way in, beside the current one; offset 0 starts it anew. */
  writeChunk(index: LogIndex, offset: number, bytes: Uint8Array): Promise<void>;

  /**
   * Verifies what came in, syncs it and makes it the latest (rename). False, and nothing changed,
   * when its checksum or its metadata do not fit.
   */
  install(snapshot: SnapshotMeta): Promise<boolean>;
}

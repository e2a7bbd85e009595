/**
 * The port to where the store is kept: an ordered map of byte strings that writes batches
 * atomically. It need not be durable at once: what a crash takes away must be the last batches, whole.
 */

export interface StoragePut {
  readonly type: "put";
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface StorageDelete {
  readonly type: "del";
  readonly key: Uint8Array;
}

export type StorageWrite = StoragePut | StorageDelete;

/** From `first` up to, not including, `end`, in the order of bytes. */
export interface StorageRange {
  readonly first: Uint8Array;
  readonly end: Uint8Array;
}

export type StoragePair = readonly [key: Uint8Array, value: Uint8Array];

/** @public */
export interface StorageSnapshot {
  /** In order, in pages of at most some thousand pairs, none of them empty. */
  pages(range: StorageRange): AsyncIterable<readonly StoragePair[]>;
  /** Must be called; `pages` must not be read any more. */
  release(): Promise<void>;
}

/** @public */
export interface KvStorage {
  /** Undefined where there is nothing. Sees every write that has resolved. */
  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]>;

  /**
   * All or nothing, after those before it. `sync` makes it, and all before it, survive a power loss.
   * Rejects when the disk does not take it; it may then be there all the same, and is written again.
   */
  write(batch: readonly StorageWrite[], options?: { readonly sync: boolean }): Promise<void>;

  /** Of now: sees nothing that is written later. Taken at once, without waiting. */
  snapshot(): StorageSnapshot;

  /** Removes what is in the range, not atomically. */
  clear(range: StorageRange): Promise<void>;

  /** Gives the space of what was removed back to the file system. */
  compact(): Promise<void>;

  /** What it takes on disk, roughly. */
  diskBytes(): Promise<number>;

  /** Never fails half-way. */
  stop(): Promise<void>;
}

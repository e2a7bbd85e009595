/**
 * The storage port in memory, for simulations and tests. It can take back its last batches, as a
 * crash does that finds them unsynced.
 */

import { type Key, keyOf } from "../key.ts";
import type {
  KvStorage,
  StoragePair,
  StorageRange,
  StorageSnapshot,
  StorageWrite,
} from "../kv-storage.ts";
import { SortedRecords } from "../sorted-records.ts";

interface Slot {
  readonly key: Key;
  readonly pair: StoragePair;
}

export interface MemoryStorageOptions {
  /** So many batches can be taken back. */
  readonly undoableBatches: number;
}

export class MemoryStorage implements KvStorage {
  readonly #slots = new SortedRecords<Slot>();
  readonly #options: MemoryStorageOptions;
  /** For each of the last batches what stood in its places before. */
  #undo: (readonly (Slot | Key)[])[] = [];
  #bytes = 0;

  constructor(options: MemoryStorageOptions = { undoableBatches: 0 }) {
    this.#options = options;
  }

  async getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    return keys.map((key) => this.#slots.get(keyOf(key))?.pair[1]);
  }

  async write(batch: readonly StorageWrite[], options = { sync: false }): Promise<void> {
    const before: (Slot | Key)[] = [];
    for (const write of batch) {
      const key = keyOf(write.key);
      before.push(this.#slots.get(key) ?? key);
      this.#remove(key);
      // Copies: whoever wrote may go on to use its buffers.
      if (write.type === "put") this.#insert(key, [write.key.slice(), write.value.slice()]);
    }
    this.#undo.push(before);
    const keep = options.sync ? 0 : this.#options.undoableBatches;
    if (this.#undo.length > keep) this.#undo = this.#undo.slice(this.#undo.length - keep);
  }

  snapshot(): StorageSnapshot {
    const slots = [...this.#slots.within({ first: "", end: null })];
    return {
      async *pages({ first, end }: StorageRange) {
        const from = keyOf(first);
        const to = keyOf(end);
        const pairs = slots.filter(({ key }) => key >= from && key < to).map(({ pair }) => pair);
        for (let at = 0; at < pairs.length; at += 100) yield pairs.slice(at, at + 100);
      },
      async release() {},
    };
  }

  async clear({ first, end }: StorageRange): Promise<void> {
    const doomed = [...this.#slots.within({ first: keyOf(first), end: keyOf(end) })];
    for (const { key } of doomed) this.#remove(key);
  }

  async compact(): Promise<void> {}

  async diskBytes(): Promise<number> {
    return this.#bytes;
  }

  async stop(): Promise<void> {}

  /** Takes back up to `count` of the last unsynced batches; answers how many. */
  takeBack(count: number): number {
    let done = 0;
    for (; done < count; done++) {
      const before = this.#undo.pop();
      if (before === undefined) break;
      for (const slot of before.toReversed()) {
        this.#remove(typeof slot === "string" ? slot : slot.key);
        if (typeof slot !== "string") this.#insert(slot.key, slot.pair);
      }
    }
    return done;
  }

  #insert(key: Key, pair: StoragePair): void {
    this.#slots.insert({ key, pair });
    this.#bytes += key.length + pair[1].length;
  }

  #remove(key: Key): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#slots.delete(key);
    this.#bytes -= key.length + slot.pair[1].length;
  }
}

/**
 * Records in the order of their keys, in chunks of sorted arrays: a lookup is two binary searches, an
 * insertion moves at most a chunk, and a record costs eight bytes besides itself. A tree or a map
 * beside it would cost several times that.
 */

import type { Key, KeyRange } from "./key.ts";

const chunkLimit = 512;

export class SortedRecords<Item extends { readonly key: Key }> {
  #chunks: Item[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: Key): Item | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)];
    if (chunk === undefined) return undefined;
    const found = chunk[positionOf(chunk, key)];
    return found?.key === key ? found : undefined;
  }

  /** `item`'s key must not be there yet. */
  insert(item: Item): void {
    this.#size++;
    const at = this.#chunkOf(item.key);
    const chunk = this.#chunks[at];
    if (chunk === undefined) {
      this.#chunks.push([item]);
      return;
    }
    const position = positionOf(chunk, item.key);
    chunk.splice(position, 0, item);
    if (chunk.length <= chunkLimit) return;
    // Keys often arrive in order: the full half is then left as full as it will ever be.
    const appended = at === this.#chunks.length - 1 && position === chunk.length - 1;
    const upper = chunk.splice(appended ? chunkLimit : chunkLimit / 2);
    this.#chunks.splice(at + 1, 0, upper);
  }

  delete(key: Key): boolean {
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at];
    if (chunk === undefined) return false;
    const position = positionOf(chunk, key);
    if (chunk[position]?.key !== key) return false;
    chunk.splice(position, 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
    this.#size--;
    return true;
  }

  /** In order; nothing may be inserted or deleted meanwhile. */
  *within({ first, end }: KeyRange): Generator<Item> {
    for (let at = this.#chunkOf(first); at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at] as Item[];
      for (let i = positionOf(chunk, first); i < chunk.length; i++) {
        const item = chunk[i] as Item;
        if (end !== null && item.key >= end) return;
        yield item;
      }
    }
  }

  /** The last chunk that begins at or before `key`; the first when none does. */
  #chunkOf(key: Key): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const first = this.#chunks[middle]?.[0] as Item;
      if (first.key <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** Where `key` is, or would be. */
function positionOf<Item extends { readonly key: Key }>(chunk: readonly Item[], key: Key): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chunk[middle] as Item).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

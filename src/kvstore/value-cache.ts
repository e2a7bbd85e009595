/**
 * Values that stay in memory: those just written or looked at, the oldest of which go when there is
 * no room. What a batch needs is held until the batch is stored, whatever the room.
 */

import type { Version } from "./key-index.ts";

export class ValueCache {
  readonly #limitBytes: number;
  #held: Version[] = [];
  #next = 0;
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The version has just come by its value. */
  hold(version: Version): void {
    this.#held.push(version);
    this.#bytes += version.valueBytes;
  }

  trim(): void {
    while (this.#bytes > this.#limitBytes) {
      const oldest = this.#held[this.#next++] as Version;
      oldest.value = undefined;
      this.#bytes -= oldest.valueBytes;
    }
    if (this.#next < 1024 || 2 * this.#next < this.#held.length) return;
    this.#held = this.#held.slice(this.#next);
    this.#next = 0;
  }
}

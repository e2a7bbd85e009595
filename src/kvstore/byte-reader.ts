/**
 * Reads back what a `ByteWriter` wrote, trusting nothing: whatever does not fit throws `Unreadable`,
 * which the function that began reading turns into a value.
 */

import { type Key, keyOf } from "./key.ts";

export class Unreadable extends Error {}

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new Unreadable("a number is too large");
      if (byte < 0x80) {
        // One spelling for each number: equal commands are equal bytes.
        if (byte === 0 && scale > 1) throw new Unreadable("a number is longer than it need be");
        return value;
      }
      scale *= 0x80;
      if (scale > 2 ** 49) throw new Unreadable("a number is too long");
    }
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#take(8));
  }

  /** A view of what was read, not a copy. */
  bytes(): Uint8Array {
    const length = this.varint();
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  key(): Key {
    return keyOf(this.bytes());
  }

  oneOf<Word>(words: readonly Word[]): Word {
    const word = words[this.byte()];
    if (word === undefined) throw new Unreadable("a choice is none of those there are");
    return word;
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#take(this.#bytes.length - this.#at));
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Nothing may be left over. */
  end(): void {
    if (!this.atEnd) throw new Unreadable("bytes are left over");
  }

  #take(count: number): number {
    const start = this.#at;
    if (start + count > this.#bytes.length) throw new Unreadable("it ends too early");
    this.#at += count;
    return start;
  }
}

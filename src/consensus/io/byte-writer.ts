/**
 * Writes numbers and texts into one buffer that grows and is reused: the log encodes every write
 * through it without allocating. Little-endian; knows nothing of what it writes.
 */

import { assert } from "../../base/index.ts";

/** Indexes and terms are stored in 6 bytes; at a million a second that lasts nine years. */
export const maxUint48 = 2 ** 48 - 1;

export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(capacityBytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(capacityBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** A view, valid until the next `clear`. */
  view(from = 0): Buffer {
    return this.#bytes.subarray(from, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Forgets what was written after `length`. */
  cutTo(length: number): void {
    this.#length = length;
  }

  uint8(value: number): void {
    this.#reserve(1);
    this.#length = this.#bytes.writeUInt8(value, this.#length);
  }

  uint16(value: number): void {
    this.#reserve(2);
    this.#length = this.#bytes.writeUInt16LE(value, this.#length);
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#length = this.#bytes.writeUInt32LE(value, this.#length);
  }

  uint48(value: number): void {
    this.#reserve(6);
    this.#length = this.#bytes.writeUIntLE(value, this.#length, 6);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** UTF-8 behind its length in bytes, at most 65,535. */
  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    assert(bytes <= 0xffff, "a text that fits its length field");
    this.uint16(bytes);
    this.#reserve(bytes);
    this.#length += this.#bytes.write(value, this.#length, "utf8");
  }

  zeros(count: number): void {
    this.#reserve(count);
    this.#bytes.fill(0, this.#length, this.#length + count);
    this.#length += count;
  }

  patchUint16(at: number, value: number): void {
    this.#bytes.writeUInt16LE(value, at);
  }

  patchUint32(at: number, value: number): void {
    this.#bytes.writeUInt32LE(value, at);
  }

  patchUint48(at: number, value: number): void {
    this.#bytes.writeUIntLE(value, at, 6);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

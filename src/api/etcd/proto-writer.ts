/**
 * Writes protobuf's wire format into one growing buffer. A nested message is written first and its
 * length put before it afterwards: most lengths take one byte, which is kept free for them.
 */

const two32 = 0x1_0000_0000;

export class ProtoWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(expectedBytes = 128) {
    this.#buffer = Buffer.allocUnsafe(expectedBytes);
  }

  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Left out when zero, as proto3 does. */
  number(field: number, value: number): void {
    if (value === 0) return;
    this.#reserve(20);
    this.#varint(field << 3);
    this.#int64(value);
  }

  bool(field: number, value: boolean): void {
    if (value) this.number(field, 1);
  }

  id64(field: number, id: bigint): void {
    if (id === 0n) return;
    this.#reserve(20);
    this.#varint(field << 3);
    let rest = BigInt.asUintN(64, id);
    while (rest > 127n) {
      this.#buffer[this.#length++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  /** Left out when empty. */
  bytes(field: number, value: Uint8Array): void {
    if (value.length > 0) this.element(field, value);
  }

  /** Text of bytes, a character for each; left out when empty. */
  key(field: number, key: string): void {
    if (key === "") return;
    this.#reserve(key.length + 15);
    this.#varint((field << 3) | 2);
    this.#varint(key.length);
    this.#buffer.write(key, this.#length, "latin1");
    this.#length += key.length;
  }

  /** An element of a repeated field: written even when empty. */
  element(field: number, value: Uint8Array): void {
    this.#reserve(value.length + 15);
    this.#varint((field << 3) | 2);
    this.#varint(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  text(field: number, value: string): void {
    if (value !== "") this.bytes(field, Buffer.from(value));
  }

  /** What is already in the wire format. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  message<Content>(
    field: number,
    content: Content,
    write: (writer: ProtoWriter, content: Content) => void,
  ): void {
    this.#reserve(11);
    this.#varint((field << 3) | 2);
    const start = this.#length + 1;
    this.#length = start;
    write(this, content);
    const length = this.#length - start;
    if (length < 0x80) {
      this.#buffer[start - 1] = length;
      return;
    }
    const extra = length < 0x4000 ? 1 : length < 0x20_0000 ? 2 : length < 0x1000_0000 ? 3 : 4;
    this.#reserve(extra);
    this.#buffer.copyWithin(start + extra, start, this.#length);
    this.#length = start - 1;
    this.#varint(length);
    this.#length += length;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }

  #int64(value: number): void {
    if (value < 0) {
      // Two's complement in 64 bits: ten bytes.
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest > 127n; rest >>= 7n) this.#buffer[this.#length++] = Number(rest & 127n) | 128;
      this.#buffer[this.#length++] = Number(rest);
      return;
    }
    let rest = value;
    while (rest >= two32) {
      this.#buffer[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#varint(rest);
  }

  #varint(value: number): void {
    let rest = value >>> 0;
    while (rest > 127) {
      this.#buffer[this.#length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
  }
}

/**
 * Reads protobuf's wire format (https://protobuf.dev/programming-guides/encoding/) without
 * allocating: for the calls that come ten thousand times a second. Throws `ProtoFault` on bytes
 * that are no message; who reads from a client catches it.
 */

export class ProtoFault extends Error {}

export const noBytes = new Uint8Array(0);
const maxSafe = Number.MAX_SAFE_INTEGER;
const two32 = 0x1_0000_0000;

export class ProtoReader {
  readonly #bytes: Buffer;
  #position: number;
  #end: number;
  #low = 0;
  #high = 0;

  constructor(bytes: Buffer, position = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#position = position;
    this.#end = end;
  }

  get hasMore(): boolean {
    return this.#position < this.#end;
  }

  /** Field number and wire type, as one number. */
  tag(): number {
    const tag = this.#varint();
    if (tag >>> 3 === 0) throw new ProtoFault("a field of number zero");
    return tag;
  }

  bool(): boolean {
    this.#varint();
    return this.#low !== 0 || this.#high !== 0;
  }

  /** Enumerations and other small numbers. */
  int32(): number {
    return this.#varint() | 0;
  }

  /** Beyond what a number holds exactly, the nearest it does: no revision and no limit is there. */
  int64(): number {
    this.#varint();
    const high = this.#high | 0;
    const value = high * two32 + this.#low;
    return Math.max(-maxSafe, Math.min(maxSafe, value));
  }

  /** Ids: 64 bits, exactly. */
  id64(): bigint {
    this.#varint();
    if (this.#high === 0) return this.#low === 0 ? 0n : BigInt(this.#low);
    return BigInt.asIntN(64, (BigInt(this.#high) << 32n) | BigInt(this.#low));
  }

  /** Text of bytes: a character for each. */
  key(): string {
    const end = this.#lengthDelimited();
    const start = this.#position;
    this.#position = end;
    return start === end ? "" : this.#bytes.toString("latin1", start, end);
  }

  /** A view: it lives as long as the message it was read from. */
  bytes(): Uint8Array {
    const end = this.#lengthDelimited();
    const start = this.#position;
    this.#position = end;
    return start === end ? noBytes : this.#bytes.subarray(start, end);
  }

  /** A reader of the message nested here. */
  message(): ProtoReader {
    const end = this.#lengthDelimited();
    const nested = new ProtoReader(this.#bytes, this.#position, end);
    this.#position = end;
    return nested;
  }

  /** Past a field that is not known, as protobuf asks of every reader. */
  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.#varint();
        return;
      case 1:
        this.#advance(8);
        return;
      case 2:
        this.#position = this.#lengthDelimited();
        return;
      case 5:
        this.#advance(4);
        return;
      default:
        throw new ProtoFault(`wire type ${tag & 7}`);
    }
  }

  #advance(length: number): void {
    if (this.#end - this.#position < length) throw new ProtoFault("cut short");
    this.#position += length;
  }

  /** Where the field that begins here ends; the position is behind its length. */
  #lengthDelimited(): number {
    const length = this.#varint();
    if (this.#high !== 0 || length > this.#end - this.#position) throw new ProtoFault("cut short");
    return this.#position + length;
  }

  /** Leaves 64 bits in low and high; returns the low 32, unsigned. */
  #varint(): number {
    const first = this.#byte();
    this.#high = 0;
    if (first < 0x80) {
      this.#low = first;
      return first;
    }
    let low = first & 0x7f;
    let high = 0;
    for (let shift = 7; shift < 70; shift += 7) {
      const byte = this.#byte();
      const bits = byte & 0x7f;
      if (shift < 32) low |= bits << shift;
      if (shift === 28) high = bits >>> 4;
      else if (shift > 28) high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        return this.#low;
      }
    }
    throw new ProtoFault("a number of more than ten bytes");
  }

  #byte(): number {
    if (this.#position >= this.#end) throw new ProtoFault("cut short");
    return this.#bytes[this.#position++] ?? 0;
  }
}

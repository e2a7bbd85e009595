/**
 * Reads what `ByteWriter` wrote, from bytes that may be anything: no read goes past the end. The
 * first that would sets `failed`, and all reads after it answer nothing.
 */

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class ByteReader {
  readonly #bytes: Buffer;
  #position: number;
  #failed = false;

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#position = position;
  }

  get failed(): boolean {
    return this.#failed;
  }

  get position(): number {
    return this.#position;
  }

  /** Everything was there, and nothing is left. */
  get done(): boolean {
    return !this.#failed && this.#position === this.#bytes.length;
  }

  fail(): void {
    this.#failed = true;
  }

  uint8(): number {
    const at = this.#take(1);
    return at === -1 ? 0 : this.#bytes.readUInt8(at);
  }

  uint16(): number {
    const at = this.#take(2);
    return at === -1 ? 0 : this.#bytes.readUInt16LE(at);
  }

  uint32(): number {
    const at = this.#take(4);
    return at === -1 ? 0 : this.#bytes.readUInt32LE(at);
  }

  uint48(): number {
    const at = this.#take(6);
    return at === -1 ? 0 : this.#bytes.readUIntLE(at, 6);
  }

  /** A view, not a copy. */
  raw(count: number): Uint8Array {
    const at = this.#take(count);
    const { buffer, byteOffset } = this.#bytes;
    return at === -1 ? new Uint8Array() : new Uint8Array(buffer, byteOffset + at, count);
  }

  text(): string {
    const bytes = this.raw(this.uint16());
    try {
      return utf8.decode(bytes);
    } catch {
      // Not UTF-8: the caller learns it from `failed`, as with every other malformed field.
      this.#failed = true;
      return "";
    }
  }

  #take(count: number): number {
    if (this.#failed || count > this.#bytes.length - this.#position) {
      this.#failed = true;
      return -1;
    }
    const at = this.#position;
    this.#position += count;
    return at;
  }
}

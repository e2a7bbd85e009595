/**
 * Rows as the kernel sends them: runs of `nlattr` (linux/netlink.h) in host byte order. One cursor
 * walks a whole dump, so that a thousand originators cost no object per attribute.
 */

import { failed, fault, ok, type Result } from "../../base/index.ts";
import { type AttributeName, type Attributes, attributeNumbers } from "./attributes.ts";
import type { BatmanFault } from "./batman-port.ts";
import type { MacAddress } from "./mac-address.ts";
import type { MacAddressBook } from "./mac-address-book.ts";

/** Boards of either kind exist; the kernel answers in its own order. */
const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

const headerBytes = 4;
/** `nla_type` without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const typeMask = 0x3fff;
const maxAttribute = 127;

const aligned = (bytes: number) => (bytes + 3) & ~3;

/** The value of an attribute: its width in bytes says its type. */
export type NetlinkValue =
  | { readonly name: AttributeName; readonly uint8: number }
  | { readonly name: AttributeName; readonly uint32: number };

export function encodeAttributes(values: readonly NetlinkValue[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [nth, value] of values.entries()) {
    const at = nth * 8;
    view.setUint16(at, headerBytes + ("uint8" in value ? 1 : 4), littleEndian);
    view.setUint16(at + 2, attributeNumbers[value.name], littleEndian);
    if ("uint8" in value) view.setUint8(at + headerBytes, value.uint8);
    else view.setUint32(at + headerBytes, value.uint32, littleEndian);
  }
  return bytes;
}

/** The two ends of `next`, made once. */
const atRow = ok(true);
const atEnd = ok(false);

/**
 * A dump: for each row a u32 of its length, its attributes, padding to 4. `next` moves on to the
 * following row; the accessors speak of the row it stands on.
 */
export class NetlinkRows implements Attributes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Where the value of each attribute of this row begins, 0 for none; and its length. */
  readonly #values = new Int32Array(maxAttribute + 1);
  readonly #lengths = new Int32Array(maxAttribute + 1);
  readonly #addresses: MacAddressBook;
  #next = 0;
  /** The text that was asked for last, and its bytes: most rows are of one interface. */
  #lastText = "";
  #lastTextAt = 0;

  constructor(bytes: Uint8Array, addresses: MacAddressBook) {
    this.#bytes = bytes;
    this.#addresses = addresses;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** False at the end; a fault when the lengths do not fit together. */
  next(): Result<boolean, BatmanFault> {
    if (this.#next >= this.#bytes.length) return atEnd;
    this.#values.fill(0);
    const start = this.#next + 4;
    const end = start <= this.#bytes.length ? start + this.#uint32(this.#next) : Infinity;
    if (end > this.#bytes.length) return failed(malformed());
    for (let at = start; at < end; ) {
      const length = at + headerBytes <= end ? this.#view.getUint16(at, littleEndian) : 0;
      if (length < headerBytes || at + length > end) return failed(malformed());
      const type = this.#view.getUint16(at + 2, littleEndian) & typeMask;
      if (type <= maxAttribute) {
        this.#values[type] = at + headerBytes;
        this.#lengths[type] = length - headerBytes;
      }
      at += aligned(length);
    }
    this.#next = aligned(end);
    return atRow;
  }

  has(name: AttributeName): boolean {
    return this.#at(name) > 0;
  }

  integer(name: AttributeName): number | null {
    const at = this.#at(name);
    if (at === 0) return null;
    switch (this.#lengths[attributeNumbers[name]]) {
      case 1:
        return this.#view.getUint8(at);
      case 2:
        return this.#view.getUint16(at, littleEndian);
      case 4:
        return this.#uint32(at);
      default:
        return null;
    }
  }

  address(name: AttributeName): MacAddress | null {
    const at = this.#at(name);
    if (at === 0 || this.#lengths[attributeNumbers[name]] !== 6) return null;
    return this.#addresses.at(this.#bytes, at);
  }

  text(name: AttributeName): string | null {
    const at = this.#at(name);
    if (at === 0) return null;
    const end = at + (this.#lengths[attributeNumbers[name]] ?? 0);
    if (!this.#isLastText(at, end)) {
      this.#lastText = textOf(this.#bytes, at, end);
      this.#lastTextAt = at;
    }
    return this.#lastText;
  }

  #isLastText(at: number, end: number): boolean {
    const [bytes, last, length] = [this.#bytes, this.#lastTextAt, this.#lastText.length];
    if (last === 0 || length >= end - at) return false;
    for (let i = 0; i <= length; i++) if (bytes[at + i] !== bytes[last + i]) return false;
    return true;
  }

  #at(name: AttributeName): number {
    return this.#values[attributeNumbers[name]] ?? 0;
  }

  #uint32(at: number): number {
    return this.#view.getUint32(at, littleEndian);
  }
}

/** To its zero byte. */
function textOf(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let i = from; i < to && bytes[i] !== 0; i++) text += String.fromCharCode(bytes[i] ?? 0);
  return text;
}

function malformed(): BatmanFault {
  return fault("E_BATMAN_MALFORMED", "the kernel's answer does not fit its own lengths");
}

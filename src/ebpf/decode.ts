/** Reads numbers, addresses and rows out of the memory that map reads deliver. */

import { littleEndian } from "./mesh-abi.ts";

/** Keys and values of a map, one after the other: what the addon's `mapRead` answers. */
export interface Table {
  readonly count: number;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

export interface Row {
  readonly key: DataView;
  readonly value: DataView;
}

export function* rowsOf(table: Table, keyBytes: number, valueBytes: number): Generator<Row> {
  for (let i = 0; i < table.count; i++) {
    yield {
      key: viewOf(table.keys, i * keyBytes, keyBytes),
      value: viewOf(table.values, i * valueBytes, valueBytes),
    };
  }
}

export function viewOf(bytes: Uint8Array, offset = 0, length = bytes.byteLength): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset + offset, length);
}

export function uint32(view: DataView, offset: number): number {
  return view.getUint32(offset, littleEndian);
}

/** Exact up to 2^53: counters do not get there, and nanoseconds after 104 days lose their last digit. */
export function uint64(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, littleEndian));
}

/** The lower and the upper 32 bits, as signed numbers for bit operations. */
export function halves(view: DataView, offset: number): readonly [low: number, high: number] {
  const first = view.getInt32(offset, littleEndian);
  const second = view.getInt32(offset + 4, littleEndian);
  return littleEndian ? [first, second] : [second, first];
}

/** `count` numbers of 64 bits, named in order. */
export function counters<Name extends string>(
  view: DataView,
  offset: number,
  names: readonly Name[],
): Readonly<Record<Name, number>> {
  const entries = names.map((name, i) => [name, uint64(view, offset + 8 * i)] as const);
  return Object.fromEntries(entries) as Record<Name, number>;
}

const hexadecimal = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** `aa:bb:cc:dd:ee:ff` of six bytes. */
export function macAt(view: DataView, offset: number): string {
  let text = hexadecimal[view.getUint8(offset)] ?? "";
  for (let i = 1; i < 6; i++) text += `:${hexadecimal[view.getUint8(offset + i)]}`;
  return text;
}

/** Six bytes of `aa:bb:cc:dd:ee:ff`, or null when it is not such an address. */
export function macBytes(address: string): Uint8Array | null {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(address)) return null;
  return Uint8Array.from(address.split(":"), (byte) => Number.parseInt(byte, 16));
}

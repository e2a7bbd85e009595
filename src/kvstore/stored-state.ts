/**
 * What of the store's state is neither a version nor a lease, as one record that every batch
 * rewrites. It counts the others: LevelDB may lose a batch from the middle of its log when power
 * fails, and go on behind it; the counts tell.
 */

import { ByteReader, Unreadable } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { crc32c } from "./checksum.ts";
import { type Alarm, alarmTypes } from "./request.ts";
import { type Position, positionOf, type StoreState } from "./store-state.ts";

/** Of versions in the storage: how many, and the sum of their mixed ids. */
export interface Inventory {
  readonly versions: number;
  readonly idSum: number;
}

export interface StoredState {
  readonly position: Position;
  readonly revision: number;
  readonly compactRevision: number;
  readonly quotaBytes: number;
  readonly leaseCount: number;
  readonly inventory: Inventory;
  readonly alarms: readonly Alarm[];
}

export function encodeState(state: StoreState, inventory: Inventory): Uint8Array {
  const writer = new ByteWriter();
  writer.varint(state.position.index);
  writer.varint(state.position.term);
  writer.varint(state.revision);
  writer.varint(state.compactRevision);
  writer.varint(state.quotaBytes);
  writer.varint(state.leases.size);
  writer.varint(inventory.versions);
  writer.uint32(inventory.idSum >>> 0);
  const alarms = state.listAlarms();
  writer.varint(alarms.length);
  for (const { type, memberId } of alarms) {
    writer.byte(alarmTypes.indexOf(type));
    writer.int64(memberId);
  }
  const body = writer.finish();
  const whole = new ByteWriter(body.length + 4);
  whole.uint32(crc32c(body));
  whole.raw(body);
  return whole.finish();
}

/** Throws `Unreadable` for bytes that are not as they were written. */
export function decodeState(bytes: Uint8Array): StoredState {
  const reader = new ByteReader(bytes);
  if (reader.uint32() !== crc32c(bytes.subarray(4))) throw new Unreadable("the state is damaged");
  const state = {
    position: positionOf({ index: reader.varint(), term: reader.varint() }),
    revision: reader.varint(),
    compactRevision: reader.varint(),
    quotaBytes: reader.varint(),
    leaseCount: reader.varint(),
    inventory: { versions: reader.varint(), idSum: reader.uint32() | 0 },
  };
  const alarms: Alarm[] = [];
  for (let count = reader.varint(); count > 0; count--) {
    alarms.push({ type: reader.oneOf(alarmTypes), memberId: reader.int64() });
  }
  reader.end();
  return { ...state, alarms };
}

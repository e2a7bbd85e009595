/** etcd's requests with their defaults filled in, and what a range of keys is called in them. */

import type {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  WatchCreateRequest,
} from "../wire/etcd/rpc.ts";

/** `[key, rangeEnd)`: without an end the key alone, with one of a zero byte all from the key on. */
export interface KeyRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

const none = new Uint8Array(0);
const zero = new Uint8Array(1);

export const oneKey = (key: Uint8Array): KeyRange => ({ key, rangeEnd: none });

/** From `key` on, in the order of bytes. */
export const fromKey = (key: Uint8Array): KeyRange => ({
  key: key.length === 0 ? zero : key,
  rangeEnd: zero,
});

/** All keys that begin so; without a prefix, all there are. */
export function withPrefix(prefix: Uint8Array): KeyRange {
  let last = prefix.length - 1;
  while (last >= 0 && prefix[last] === 0xff) last--;
  if (last < 0) return fromKey(prefix);
  const rangeEnd = prefix.slice(0, last + 1);
  rangeEnd[last] = (prefix[last] ?? 0) + 1;
  return { key: prefix, rangeEnd };
}

export const rangeRequest = (range: KeyRange, more: Partial<RangeRequest> = {}): RangeRequest => ({
  ...range,
  limit: 0,
  revision: 0,
  sortOrder: 0,
  sortTarget: 0,
  serializable: false,
  keysOnly: false,
  countOnly: false,
  minModRevision: 0,
  maxModRevision: 0,
  minCreateRevision: 0,
  maxCreateRevision: 0,
  ...more,
});

/** `lease`: a 64-bit number in decimal; "0" is none. */
export const putRequest = (key: Uint8Array, value: Uint8Array, lease = "0"): PutRequest => ({
  key,
  value,
  lease,
  prevKv: false,
  ignoreValue: false,
  ignoreLease: false,
});

export const deleteRequest = (range: KeyRange, prevKv = false): DeleteRangeRequest => ({
  ...range,
  prevKv,
});

export const watchRequest = (
  range: KeyRange,
  more: Partial<WatchCreateRequest> = {},
): WatchCreateRequest => ({
  ...range,
  startRevision: 0,
  progressNotify: false,
  filters: [],
  prevKv: false,
  watchId: 0,
  fragment: false,
  ...more,
});

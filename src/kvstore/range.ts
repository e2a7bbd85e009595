/**
 * Range reads, in two halves: `planRange` finds what is asked for from the index alone, and
 * `finishRange` turns it into an answer once the values are there. The order of filters, sort and
 * limit is that of etcd 3.5 (server/etcdserver/apply.go, Range).
 */

import { failed, ok, type Result } from "../base/index.ts";
import { type KvFault, kvFault } from "./fault.ts";
import { type Key, rangeOf } from "./key.ts";
import { keyValueOf, type Version, versionAt } from "./key-index.ts";
import type { KeyValue, RangeReply, RangeRequest } from "./request.ts";
import type { StoreState } from "./store-state.ts";

export interface PlannedItem {
  readonly key: Key;
  readonly version: Version;
}

export interface RangePlan {
  readonly request: RangeRequest;
  /** Those whose values are needed, if `needsValues`; not in their final order and number yet. */
  readonly items: PlannedItem[];
  readonly needsValues: boolean;
  readonly count: number;
  readonly revision: number;
}

/** Gives a value that is in memory. */
export type ReadValue = (version: Version) => Uint8Array;

/** A view of the store at one revision: readers of what is published do not see what comes after. */
export interface View {
  readonly state: StoreState;
  readonly revision: number;
  readonly readValue: ReadValue;
}

/** E_FUTURE_REVISION, E_COMPACTED. */
export function planRange(
  view: Omit<View, "readValue">,
  request: RangeRequest,
): Result<RangePlan, KvFault> {
  const { state, revision } = view;
  const wanted = request.revision <= 0 ? revision : request.revision;
  if (wanted > revision) return failed(kvFault("E_FUTURE_REVISION"));
  if (wanted < state.compactRevision) return failed(kvFault("E_COMPACTED"));
  const sorted = request.sortOrder !== "none";
  const bounded =
    request.minModRevision !== 0 ||
    request.maxModRevision !== 0 ||
    request.minCreateRevision !== 0 ||
    request.maxCreateRevision !== 0;
  // One more than asked for tells whether there are more.
  const enough = sorted || bounded || request.limit <= 0 ? Infinity : request.limit + 1;
  const items: PlannedItem[] = [];
  let count = 0;
  for (const record of state.index.within(rangeOf(request.key, request.rangeEnd))) {
    const version = versionAt(record, wanted);
    if (version === null) continue;
    count++;
    if (request.countOnly || items.length >= enough) continue;
    if (!bounded || isWithin(request, version)) items.push({ key: record.key, version });
  }
  const byValue = request.sortTarget === "value";
  if (!byValue) sortItems(items, request, () => noValue);
  const last = request.limit > 0 && !byValue ? request.limit + 1 : items.length;
  const needsValues = byValue || !request.keysOnly;
  return ok({ request, items: items.slice(0, last), needsValues, count, revision });
}

/** Every item's value is at hand, if the plan needs values. */
export function finishRange(plan: RangePlan, readValue: ReadValue): RangeReply {
  const { request, items } = plan;
  if (request.sortTarget === "value") sortItems(items, request, readValue);
  const more = request.limit > 0 && items.length > request.limit;
  const kept = more ? items.slice(0, request.limit) : items;
  const keyValues = kept.map(({ key, version }): KeyValue => {
    return keyValueOf(key, version, request.keysOnly ? noValue : readValue(version));
  });
  return { kind: "range", revision: plan.revision, keyValues, more, count: plan.count };
}

const noValue = new Uint8Array(0);

function isWithin(request: RangeRequest, { modRevision, createRevision }: Version): boolean {
  if (request.maxModRevision !== 0 && modRevision > request.maxModRevision) return false;
  if (request.minModRevision !== 0 && modRevision < request.minModRevision) return false;
  if (request.maxCreateRevision !== 0 && createRevision > request.maxCreateRevision) return false;
  return request.minCreateRevision === 0 || createRevision >= request.minCreateRevision;
}

/** The items are in the order of their keys, and ties stay so: etcd leaves ties to chance. */
function sortItems(
  items: PlannedItem[],
  { sortOrder, sortTarget }: RangeRequest,
  readValue: ReadValue,
): void {
  // etcd sorts ascending when only a target is given; by key they are in that order already.
  if (sortTarget === "key") {
    if (sortOrder === "descend") items.reverse();
    return;
  }
  const sign = sortOrder === "descend" ? -1 : 1;
  const order = (one: PlannedItem, other: PlannedItem): number => {
    switch (sortTarget) {
      case "version":
        return one.version.version - other.version.version;
      case "create":
        return one.version.createRevision - other.version.createRevision;
      case "mod":
        return one.version.modRevision - other.version.modRevision;
      case "value":
        return compareBytes(readValue(one.version), readValue(other.version));
    }
  };
  items.sort((one, other) => sign * order(one, other));
}

export function compareBytes(one: Uint8Array, other: Uint8Array): number {
  const length = Math.min(one.length, other.length);
  for (let i = 0; i < length; i++) {
    const difference = (one[i] as number) - (other[i] as number);
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}

/**
 * Everything the store holds in memory, and the few ways in which a write changes it. It knows that
 * the keys of a lease are those whose latest version names it, and what an active alarm forbids.
 */

import type { Brand } from "../base/index.ts";
import type { Key } from "./key.ts";
import { KeyIndex, type Version, type VersionId } from "./key-index.ts";
import { limits } from "./limits.ts";
import { type Alarm, type LeaseId, noLease } from "./request.ts";

export interface Lease {
  readonly id: LeaseId;
  readonly ttlSeconds: number;
  readonly keys: Set<Key>;
}

/** A leader's number: the same type as the consensus has, which may not be imported here. */
export type Term = Brand<number, "Term">;

/** Index and term of a log entry; 0 is before the first. */
export interface Position {
  readonly index: number;
  readonly term: Term;
}

export const positionOf = ({ index, term }: { index: number; term: number }): Position => {
  return { index, term: term as Term };
};

export class StoreState {
  position: Position = positionOf({ index: 0, term: 0 });
  /** An empty store is at revision 1, as in etcd. */
  revision = 1;
  /** Older revisions cannot be read any more. */
  compactRevision = 0;
  quotaBytes: number = limits.quotaBytes;
  readonly index = new KeyIndex();
  readonly leases = new Map<LeaseId, Lease>();
  readonly alarms = new Map<string, Alarm>();
  /** Stored versions that nothing refers to any more, still to be deleted from the storage. */
  readonly garbage: VersionId[] = [];

  /** The key's latest version is now `version`. */
  add(key: Key, version: Version): void {
    const before = this.index.get(key)?.latest;
    if (before !== undefined && before.lease !== version.lease) {
      this.leases.get(before.lease)?.keys.delete(key);
    }
    if (version.lease !== noLease) this.leases.get(version.lease)?.keys.add(key);
    this.index.add(key, version);
  }

  compact(revision: number): void {
    this.compactRevision = revision;
    for (const id of this.index.compact(revision)) this.garbage.push(id);
  }

  hasAlarm(type: Alarm["type"]): boolean {
    for (const alarm of this.alarms.values()) if (alarm.type === type) return true;
    return false;
  }

  setAlarm(alarm: Alarm, active: boolean): void {
    const name = `${alarm.type} ${alarm.memberId}`;
    if (active) this.alarms.set(name, alarm);
    else this.alarms.delete(name);
  }

  /** In an order of its own, not of how they were raised. */
  listAlarms(): Alarm[] {
    return [...this.alarms].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, it]) => it);
  }
}

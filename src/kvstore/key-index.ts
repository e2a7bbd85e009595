/**
 * Which versions of which keys there are: everything about them but their values. Compaction is
 * decided here, from a journal of what was written, so that it costs what it removes and not a walk
 * over all keys.
 */

import { assert } from "../base/index.ts";
import type { Key, KeyRange } from "./key.ts";
import { limits } from "./limits.ts";
import type { KeyValue, LeaseId } from "./request.ts";
import { SortedRecords } from "./sorted-records.ts";

/** Where a version is stored: the revision, and which of its writes it was. */
export interface VersionId {
  readonly modRevision: number;
  readonly subRevision: number;
}

export interface Version extends VersionId {
  readonly createRevision: number;
  /** 0 marks a deletion. */
  readonly version: number;
  readonly lease: LeaseId;
  readonly valueBytes: number;
  /** Held here as long as the cache has room for it, and until it is stored. */
  value: Uint8Array | undefined;
}

export interface KeyRecord {
  readonly key: Key;
  latest: Version;
  /** Oldest first; null when there are none. */
  older: Version[] | null;
}

interface Written {
  readonly revision: number;
  readonly record: KeyRecord;
}

export class KeyIndex {
  readonly #records = new SortedRecords<KeyRecord>();
  /** Every write since the last compaction, in order. */
  #journal: Written[] = [];
  #storedBytes = 0;
  #versions = 0;
  #idSum = 0;

  /** Keys that exist or have history. */
  get keys(): number {
    return this.#records.size;
  }

  get versions(): number {
    return this.#versions;
  }

  /** What all versions weigh in the quota. */
  get storedBytes(): number {
    return this.#storedBytes;
  }

  /** With `versions`, tells whether a set of stored versions is this one. */
  get idSum(): number {
    return this.#idSum;
  }

  get(key: Key): KeyRecord | undefined {
    return this.#records.get(key);
  }

  within(range: KeyRange): Iterable<KeyRecord> {
    return this.#records.within(range);
  }

  /** `version` is newer than all there are of this key, and than all that were added before it. */
  add(key: Key, version: Version): KeyRecord {
    let record = this.#records.get(key);
    if (record === undefined) {
      record = { key, latest: version, older: null };
      this.#records.insert(record);
    } else {
      if (record.older === null) record.older = [record.latest];
      else record.older.push(record.latest);
      record.latest = version;
    }
    this.#journal.push({ revision: version.modRevision, record });
    this.#count(key, version, 1);
    return record;
  }

  /**
   * Forgets what no revision from `revision` on needs. What was written at `revision` itself stays,
   * deletions too: a watch may begin there.
   */
  compact(revision: number): VersionId[] {
    const removed: VersionId[] = [];
    let done = 0;
    const kept: Written[] = [];
    const touched = new Set<KeyRecord>();
    for (const written of this.#journal) {
      if (written.revision > revision) break;
      done++;
      if (written.revision === revision) kept.push(written);
      touched.add(written.record);
    }
    for (const record of touched) this.#prune(record, revision, removed);
    this.#journal = [...kept, ...this.#journal.slice(done)];
    return removed;
  }

  #prune(record: KeyRecord, revision: number, removed: VersionId[]): void {
    const versions = [...(record.older ?? []), record.latest];
    let keep = versions.findIndex(({ modRevision }) => modRevision >= revision);
    if (keep === -1) keep = versions.length;
    const base = versions[keep - 1];
    const needed = versions[keep]?.modRevision !== revision && base !== undefined;
    if (needed && base.version > 0) keep--;
    for (const version of versions.slice(0, keep)) {
      removed.push(version);
      this.#count(record.key, version, -1);
    }
    if (keep === versions.length) {
      this.#records.delete(record.key);
      return;
    }
    const older = versions.slice(keep, -1);
    record.older = older.length === 0 ? null : older;
  }

  #count(key: Key, version: Version, by: 1 | -1): void {
    this.#versions += by;
    this.#storedBytes += by * (limits.versionBytes + key.length + version.valueBytes);
    this.#idSum = (this.#idSum + by * mixedId(version)) | 0;
  }
}

/** Spreads an id over 32 bits, so that sums of several differ when the ids do. */
export function mixedId({ modRevision, subRevision }: VersionId): number {
  let mixed = Math.imul(modRevision ^ (modRevision / 2 ** 32), 0x9e3779b1) ^ subRevision;
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}

/** The version a reader of `revision` sees; null when the key does not exist then. */
export const versionAt = (record: KeyRecord, revision: number): Version | null =>
  lastBefore(record, { modRevision: revision + 1, subRevision: 0 });

/** The version that stood before the write `id`; null when the key did not exist, or it is gone. */
export const versionBefore = (record: KeyRecord, id: VersionId): Version | null =>
  lastBefore(record, id);

function lastBefore({ latest, older }: KeyRecord, id: VersionId): Version | null {
  let found: Version | undefined;
  if (isBefore(latest, id)) found = latest;
  else if (older !== null) {
    let low = 0;
    let high = older.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(older[middle] as Version, id)) low = middle + 1;
      else high = middle;
    }
    found = older[low - 1];
  }
  return found === undefined || found.version === 0 ? null : found;
}

const isBefore = (one: VersionId, other: VersionId): boolean =>
  one.modRevision < other.modRevision ||
  (one.modRevision === other.modRevision && one.subRevision < other.subRevision);

/** The value of a version that holds it. Whoever applies a command has seen to that. */
export function heldValue({ valueBytes, value }: Version): Uint8Array {
  if (valueBytes === 0) return noValue;
  assert(value !== undefined, "a value that was loaded before it is needed");
  return value;
}

const noValue = new Uint8Array(0);

export const keyValueOf = (key: Key, version: Version, value: Uint8Array): KeyValue => ({
  key,
  createRevision: version.createRevision,
  modRevision: version.modRevision,
  version: version.version,
  lease: version.lease,
  value,
});

/**
 * A number that is the same on every copy that holds the same versions up to a revision; etcd calls
 * the like of it HashKV. What compaction has left behind in the storage is not counted.
 */

import { crc32c } from "./checksum.ts";
import type { KeyRecord, VersionId } from "./key-index.ts";
import type { StorageSnapshot } from "./kv-storage.ts";
import { type StorageLayout, versionIdOf } from "./storage-layout.ts";
import type { StoreState } from "./store-state.ts";
import { decodeVersion } from "./version-record.ts";

export interface StoreHash {
  readonly hash: number;
  readonly revision: number;
  readonly compactRevision: number;
}

/** Null when the store was compacted meanwhile: it has to be asked again. */
export async function hashVersions(
  snapshot: StorageSnapshot,
  layout: StorageLayout,
  state: StoreState,
  revision: number,
  signal: AbortSignal,
): Promise<StoreHash | null> {
  const { compactRevision } = state;
  let hash = 0;
  for await (const page of snapshot.pages(layout.versionsFrom(0))) {
    signal.throwIfAborted();
    if (state.compactRevision !== compactRevision) return null;
    for (const [storageKey, value] of page) {
      const id = versionIdOf(storageKey);
      if (id.modRevision > revision) return { hash, revision, compactRevision };
      const record = state.index.get(decodeVersion(id, value).key);
      if (record === undefined || !holds(record, id)) continue;
      hash = crc32c(value, crc32c(layout.withoutPrefix(storageKey), hash));
    }
  }
  return { hash, revision, compactRevision };
}

function holds({ latest, older }: KeyRecord, id: VersionId): boolean {
  const isIt = (other: VersionId) =>
    other.modRevision === id.modRevision && other.subRevision === id.subRevision;
  return isIt(latest) || older?.some(isIt) === true;
}

/** Events of the past, read back from the storage for watchers that begin, or have fallen, behind. */

import type { KeptEvent } from "./event.ts";
import { inRange, type KeyRange } from "./key.ts";
import { keyValueOf } from "./key-index.ts";
import type { StorageSnapshot } from "./kv-storage.ts";
import { type StorageLayout, versionIdOf } from "./storage-layout.ts";
import { decodeVersion } from "./version-record.ts";

export interface HistoryLimits {
  /** A page ends with the revision that exceeds one of these. */
  readonly events: number;
  readonly bytes: number;
  /** Versions looked at, wanted or not. */
  readonly versions: number;
}

export interface HistoryPage {
  readonly events: readonly KeptEvent[];
  /** Every event of the range up to this revision is on the page. */
  readonly reached: number;
}

/** From revision `from` up to `to`, in order. The caller releases `snapshot`. */
export async function readHistory(
  snapshot: StorageSnapshot,
  layout: StorageLayout,
  range: KeyRange,
  from: number,
  to: number,
  limits: HistoryLimits,
): Promise<HistoryPage> {
  const events: KeptEvent[] = [];
  let bytes = 0;
  let versions = 0;
  let revision = from;
  for await (const page of snapshot.pages(layout.versionsFrom(from))) {
    for (const [storageKey, value] of page) {
      const id = versionIdOf(storageKey);
      if (id.modRevision > to) return { events, reached: to };
      const full =
        events.length >= limits.events || bytes >= limits.bytes || versions >= limits.versions;
      if (full && id.modRevision > revision) return { events, reached: revision };
      revision = id.modRevision;
      versions++;
      const { key, version } = decodeVersion(id, value);
      if (!inRange(range, key)) continue;
      const keyValue = keyValueOf(key, version, version.value ?? new Uint8Array(0));
      events.push({ id, keyValue });
      bytes += key.length + version.valueBytes;
    }
  }
  return { events, reached: to };
}

/** What watchers are told, and what they ask for. */

import type { Key } from "./key.ts";
import type { VersionId } from "./key-index.ts";
import type { KeyValue } from "./request.ts";

export interface WatchEvent {
  readonly type: "put" | "delete";
  /** Of a deletion only the key and the revision. */
  readonly keyValue: KeyValue;
  /** What it replaced, if that was asked for, existed, and is not compacted away. */
  readonly previous: KeyValue | null;
}

export interface WatchRequest {
  readonly key: Key;
  readonly rangeEnd: Key;
  /** The first revision to be told; 0 is what comes from now on. */
  readonly startRevision: number;
  readonly prevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  /** To be told the revision reached when nothing happens for long. */
  readonly progressNotify: boolean;
  /** Events of one revision may come in several parts. */
  readonly fragment: boolean;
}

export const watchRequest = (
  fields: { readonly key: Key } & Partial<WatchRequest>,
): WatchRequest => ({
  rangeEnd: "",
  startRevision: 0,
  prevKv: false,
  noPut: false,
  noDelete: false,
  progressNotify: false,
  fragment: false,
  ...fields,
});

export type WatchAnswer =
  /** `revision` is the store's; `fragment`: more of the same follows. */
  | {
      readonly kind: "events";
      readonly revision: number;
      readonly events: readonly WatchEvent[];
      readonly fragment: boolean;
    }
  /** All up to `revision` has been told. */
  | { readonly kind: "progress"; readonly revision: number }
  /** The last answer: what it asks for next is compacted away. */
  | { readonly kind: "compacted"; readonly revision: number; readonly compactRevision: number }
  /** The last answer: it was cancelled, or the store stopped. */
  | { readonly kind: "ended"; readonly revision: number };

/** A change as the hub keeps it: what it replaced is looked up only for those who ask. */
export interface KeptEvent {
  readonly id: VersionId;
  readonly keyValue: KeyValue;
}

/**
 * The store as its faces need it: etcd's semantics in this project's words. The replicated store
 * fits by structure; src/node plugs it in. A face asks its own member and need not know who leads.
 */

import type { Fault, Result } from "../base/index.ts";

/** A string of bytes: one character (0 to 255) for each byte, so that it compares as bytes do. */
export type Key = string;

export interface KeyValue {
  readonly key: Key;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Puts since it was created; 1 is the creation. */
  readonly version: number;
  /** 0n: none. 64 bits, as etcd's. */
  readonly lease: bigint;
  readonly value: Uint8Array;
}

export type SortOrder = "none" | "ascend" | "descend";
export type SortTarget = "key" | "version" | "create" | "mod" | "value";

/**
 * `[key, rangeEnd)`: without an end the key alone, with one of a zero byte all from the key on.
 * Zero in a number: not limited by it; a revision of 0 or less: now.
 */
export interface RangeRequest {
  readonly kind: "range";
  readonly key: Key;
  readonly rangeEnd: Key;
  readonly limit: number;
  readonly revision: number;
  readonly sortOrder: SortOrder;
  readonly sortTarget: SortTarget;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
  readonly minModRevision: number;
  readonly maxModRevision: number;
  readonly minCreateRevision: number;
  readonly maxCreateRevision: number;
}

export interface PutRequest {
  readonly kind: "put";
  readonly key: Key;
  readonly value: Uint8Array;
  readonly lease: bigint;
  readonly prevKv: boolean;
  /** Keep the value there is. */
  readonly ignoreValue: boolean;
  /** Keep the lease there is. */
  readonly ignoreLease: boolean;
}

export interface DeleteRangeRequest {
  readonly kind: "delete-range";
  readonly key: Key;
  readonly rangeEnd: Key;
  readonly prevKv: boolean;
}

export type CompareResult = "equal" | "greater" | "less" | "not-equal";

/** Holds when it holds for each key of the range; a key that is not there has zeros. */
export type Compare = {
  readonly key: Key;
  readonly rangeEnd: Key;
  readonly result: CompareResult;
} & (
  | { readonly target: "version" | "create" | "mod"; readonly operand: number }
  | { readonly target: "lease"; readonly operand: bigint }
  | { readonly target: "value"; readonly operand: Uint8Array }
);

export interface TransactionRequest {
  readonly kind: "transaction";
  readonly compare: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure: readonly Operation[];
}

export type Operation = RangeRequest | PutRequest | DeleteRangeRequest | TransactionRequest;

/** In every reply: the store's revision when it was true. */
interface Revised {
  readonly revision: number;
}

export interface RangeReply extends Revised {
  readonly kind: "range";
  readonly keyValues: readonly KeyValue[];
  /** There are more than the limit. */
  readonly more: boolean;
  /** In the range, whatever the limit. */
  readonly count: number;
}

export interface PutReply extends Revised {
  readonly kind: "put";
  /** As it was before, if asked for and there was one. */
  readonly previous: KeyValue | null;
}

export interface DeleteRangeReply extends Revised {
  readonly kind: "delete-range";
  readonly deleted: number;
  readonly previous: readonly KeyValue[];
}

export interface TransactionReply extends Revised {
  readonly kind: "transaction";
  readonly succeeded: boolean;
  readonly replies: readonly OperationReply[];
}

export type OperationReply = RangeReply | PutReply | DeleteRangeReply | TransactionReply;

/** Faults by code, as etcd-faults.ts lists them. */
export type Replied<Reply> = Promise<Result<Reply, Fault>>;

export interface KeysPort {
  /** `serializable`: from this member's memory, possibly stale, without asking the others. */
  range(request: RangeRequest, serializable: boolean): Replied<RangeReply>;
  put(request: PutRequest): Replied<PutReply>;
  deleteRange(request: DeleteRangeRequest): Replied<DeleteRangeReply>;
  transaction(request: TransactionRequest): Replied<TransactionReply>;
  /** With `physical` only once the space is free. */
  compact(revision: number, physical: boolean): Replied<Revised>;
}

interface LeaseTime extends Revised {
  readonly id: bigint;
  readonly ttlSeconds: number;
}

export interface LeasesPort {
  /** `id` 0n: the store chooses. */
  leaseGrant(id: bigint, ttlSeconds: number): Replied<LeaseTime>;
  leaseRevoke(id: bigint): Replied<Revised>;
  /** By the leader. A fault E_LEASE_NOT_FOUND: it ran out. */
  leaseKeepAlive(id: bigint): Replied<LeaseTime>;
  /** What is left; `keys` are empty unless asked for. */
  leaseTimeToLive(
    id: bigint,
    withKeys: boolean,
  ): Replied<LeaseTime & { readonly grantedTtlSeconds: number; readonly keys: readonly Key[] }>;
  leases(): Replied<Revised & { readonly ids: readonly bigint[] }>;
}

export interface WatchEvent {
  readonly type: "put" | "delete";
  /** Of a deletion only the key, and the revision of the deletion as its modRevision. */
  readonly keyValue: KeyValue;
  /** As it was before, if the watch asked for it and it is not compacted away. */
  readonly previous: KeyValue | null;
}

export interface WatchRequest {
  readonly key: Key;
  readonly rangeEnd: Key;
  /** 0: from now on. A past one: everything since, in order. */
  readonly startRevision: number;
  readonly prevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  /** To be told the revision reached when nothing happens for long. */
  readonly progressNotify: boolean;
  /** Events of one revision may come in several parts. */
  readonly fragment: boolean;
}

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

/** One watch, as slow as its reader: each event once, in order, those of a revision together. */
export interface Watcher {
  /** What has happened since, once there is something; nothing when `signal` aborts. */
  next(signal: AbortSignal): Promise<readonly WatchAnswer[]>;
  /** The revision up to which all has been told; null while there is more to tell. */
  progress(): number | null;
  cancel(): void;
}

export interface WatchesPort {
  /** Sees, from this very moment, all that comes after `revision()`. */
  watch(request: WatchRequest): Watcher;
}

export interface StorePort extends KeysPort, LeasesPort, WatchesPort {
  /** Of this member, from memory. */
  revision(): number;
  /** Raft's term, from memory. */
  term(): number;
}

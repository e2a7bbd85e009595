/**
 * What can be asked of the store, and what it answers: etcd's v3 API (api.proto of etcd 3.5) as
 * plain data. Revisions and versions are numbers, exact up to 2^53; lease and member ids are the
 * 64-bit integers that clients choose.
 */

import type { KvFault } from "./fault.ts";
import type { Key } from "./key.ts";

/** 0 is "no lease". */
export type LeaseId = bigint;
export const noLease: LeaseId = 0n;

export interface KeyValue {
  readonly key: Key;
  /** The revision of the put that made the key, after its last deletion. */
  readonly createRevision: number;
  readonly modRevision: number;
  /** Counts the puts since the key was made: the first is 1. */
  readonly version: number;
  readonly lease: LeaseId;
  readonly value: Uint8Array;
}

export const sortOrders = ["none", "ascend", "descend"] as const;
export const sortTargets = ["key", "version", "create", "mod", "value"] as const;
export type SortOrder = (typeof sortOrders)[number];
export type SortTarget = (typeof sortTargets)[number];

/** Zeros are "no limit", "now", "no bound". */
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
  readonly lease: LeaseId;
  readonly prevKv: boolean;
  readonly ignoreValue: boolean;
  readonly ignoreLease: boolean;
}

export interface DeleteRangeRequest {
  readonly kind: "delete-range";
  readonly key: Key;
  readonly rangeEnd: Key;
  readonly prevKv: boolean;
}

export const compareResults = ["equal", "greater", "less", "not-equal"] as const;
export type CompareResult = (typeof compareResults)[number];

/** Holds when it holds for every key of the range. */
export type Compare = {
  readonly key: Key;
  readonly rangeEnd: Key;
  readonly result: CompareResult;
} & (
  | { readonly target: "version" | "create" | "mod"; readonly operand: number }
  | { readonly target: "lease"; readonly operand: LeaseId }
  | { readonly target: "value"; readonly operand: Uint8Array }
);

export interface TransactionRequest {
  readonly kind: "transaction";
  readonly compare: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure: readonly Operation[];
}

export type Operation = RangeRequest | PutRequest | DeleteRangeRequest | TransactionRequest;

export const alarmTypes = ["no-space", "corrupt"] as const;
export interface Alarm {
  readonly type: (typeof alarmTypes)[number];
  /** Whom it is about; 0 is the store as a whole. */
  readonly memberId: bigint;
}

/** What goes through the log. */
export type Command =
  | PutRequest
  | DeleteRangeRequest
  | TransactionRequest
  | { readonly kind: "compact"; readonly revision: number }
  /** The id is chosen, and the time to live is final, before it is proposed. */
  | { readonly kind: "lease-grant"; readonly id: LeaseId; readonly ttlSeconds: number }
  | { readonly kind: "lease-revoke"; readonly id: LeaseId }
  /**
   * A leader saw the lease run out. Void in any later term than the one it was decided in: a new
   * leader has renewed every lease.
   */
  | { readonly kind: "lease-expire"; readonly id: LeaseId; readonly term: number }
  | { readonly kind: "alarm"; readonly active: boolean; readonly alarm: Alarm }
  /** The same for every copy, since it decides what is refused; 0 is no quota. */
  | { readonly kind: "quota"; readonly bytes: number };

export interface RangeReply {
  readonly kind: "range";
  /** The store's revision, not the one asked for. */
  readonly revision: number;
  readonly keyValues: readonly KeyValue[];
  /** The limit left some out. */
  readonly more: boolean;
  /** Keys in the range, whatever limit and bounds left out. */
  readonly count: number;
}

export interface PutReply {
  readonly kind: "put";
  readonly revision: number;
  readonly previous: KeyValue | null;
}

export interface DeleteRangeReply {
  readonly kind: "delete-range";
  readonly revision: number;
  readonly deleted: number;
  readonly previous: readonly KeyValue[];
}

export interface TransactionReply {
  readonly kind: "transaction";
  readonly revision: number;
  readonly succeeded: boolean;
  readonly replies: readonly OperationReply[];
}

export type OperationReply = RangeReply | PutReply | DeleteRangeReply | TransactionReply;

/** One for each command; `revision` is the store's after it. */
export type Reply =
  | PutReply
  | DeleteRangeReply
  | TransactionReply
  | { readonly kind: "refused"; readonly revision: number; readonly fault: KvFault }
  | { readonly kind: "compact"; readonly revision: number }
  | {
      readonly kind: "lease-grant";
      readonly revision: number;
      readonly id: LeaseId;
      readonly ttlSeconds: number;
    }
  | { readonly kind: "lease-revoke"; readonly revision: number }
  | { readonly kind: "alarm"; readonly revision: number; readonly alarms: readonly Alarm[] }
  | { readonly kind: "quota"; readonly revision: number };

const nothing = new Uint8Array(0);

/** A range request with everything else as etcd defaults it. */
export const rangeRequest = (
  fields: { readonly key: Key } & Partial<Omit<RangeRequest, "kind">>,
): RangeRequest => ({
  kind: "range",
  rangeEnd: "",
  limit: 0,
  revision: 0,
  sortOrder: "none",
  sortTarget: "key",
  keysOnly: false,
  countOnly: false,
  minModRevision: 0,
  maxModRevision: 0,
  minCreateRevision: 0,
  maxCreateRevision: 0,
  ...fields,
});

export const putRequest = (
  fields: { readonly key: Key } & Partial<Omit<PutRequest, "kind">>,
): PutRequest => ({
  kind: "put",
  value: nothing,
  lease: noLease,
  prevKv: false,
  ignoreValue: false,
  ignoreLease: false,
  ...fields,
});

export const deleteRangeRequest = (
  fields: { readonly key: Key } & Partial<Omit<DeleteRangeRequest, "kind">>,
): DeleteRangeRequest => ({ kind: "delete-range", rangeEnd: "", prevKv: false, ...fields });

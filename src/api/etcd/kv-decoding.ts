/**
 * etcd's KV requests (proto/etcd/rpc.proto) from the wire into the store's words, read by hand:
 * these are the calls that a store lives by.
 */

import type {
  Compare,
  CompareResult,
  DeleteRangeRequest,
  Operation,
  PutRequest,
  RangeRequest,
  SortOrder,
  SortTarget,
  TransactionRequest,
} from "../store-port.ts";
import { noBytes, ProtoFault, type ProtoReader } from "./proto-reader.ts";

const sortOrders: readonly SortOrder[] = ["none", "ascend", "descend"];
const sortTargets: readonly SortTarget[] = ["key", "version", "create", "mod", "value"];
const compareResults: readonly CompareResult[] = ["equal", "greater", "less", "not-equal"];
const compareTargets = ["version", "create", "mod", "value", "lease"] as const;

/** A transaction in a transaction in a transaction: nobody means it, and the stack is finite. */
const maxNesting = 8;

type Mutable<Shape> = { -readonly [Key in keyof Shape]: Shape[Key] };

/** As a call of its own, it says besides whether it wants the latest or what is at hand. */
export function decodeRangeCall(reader: ProtoReader): {
  readonly request: RangeRequest;
  readonly serializable: boolean;
} {
  const request = emptyRange();
  let serializable = false;
  while (reader.hasMore) {
    const tag = reader.tag();
    if (tag === 7 << 3) serializable = reader.bool();
    else readRangeField(reader, tag, request);
  }
  return { request, serializable };
}

/** As an operation of a transaction: there, the transaction says how current it is. */
function decodeRange(reader: ProtoReader): RangeRequest {
  const request = emptyRange();
  while (reader.hasMore) readRangeField(reader, reader.tag(), request);
  return request;
}

function emptyRange(): Mutable<RangeRequest> {
  return {
    kind: "range",
    key: "",
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
  };
}

function readRangeField(reader: ProtoReader, tag: number, request: Mutable<RangeRequest>): void {
  switch (tag) {
    case (1 << 3) | 2:
      request.key = reader.key();
      break;
    case (2 << 3) | 2:
      request.rangeEnd = reader.key();
      break;
    case 3 << 3:
      request.limit = reader.int64();
      break;
    case 4 << 3:
      request.revision = reader.int64();
      break;
    case 5 << 3:
      request.sortOrder = named(sortOrders, reader.int32());
      break;
    case 6 << 3:
      request.sortTarget = named(sortTargets, reader.int32());
      break;
    case 8 << 3:
      request.keysOnly = reader.bool();
      break;
    case 9 << 3:
      request.countOnly = reader.bool();
      break;
    case 10 << 3:
      request.minModRevision = reader.int64();
      break;
    case 11 << 3:
      request.maxModRevision = reader.int64();
      break;
    case 12 << 3:
      request.minCreateRevision = reader.int64();
      break;
    case 13 << 3:
      request.maxCreateRevision = reader.int64();
      break;
    default:
      reader.skip(tag);
  }
}

export function decodePut(reader: ProtoReader): PutRequest {
  const request: Mutable<PutRequest> = {
    kind: "put",
    key: "",
    value: noBytes,
    lease: 0n,
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
  };
  while (reader.hasMore) {
    const tag = reader.tag();
    switch (tag) {
      case (1 << 3) | 2:
        request.key = reader.key();
        break;
      case (2 << 3) | 2:
        request.value = reader.bytes();
        break;
      case 3 << 3:
        request.lease = reader.id64();
        break;
      case 4 << 3:
        request.prevKv = reader.bool();
        break;
      case 5 << 3:
        request.ignoreValue = reader.bool();
        break;
      case 6 << 3:
        request.ignoreLease = reader.bool();
        break;
      default:
        reader.skip(tag);
    }
  }
  return request;
}

export function decodeDeleteRange(reader: ProtoReader): DeleteRangeRequest {
  const request: Mutable<DeleteRangeRequest> = {
    kind: "delete-range",
    key: "",
    rangeEnd: "",
    prevKv: false,
  };
  while (reader.hasMore) {
    const tag = reader.tag();
    switch (tag) {
      case (1 << 3) | 2:
        request.key = reader.key();
        break;
      case (2 << 3) | 2:
        request.rangeEnd = reader.key();
        break;
      case 3 << 3:
        request.prevKv = reader.bool();
        break;
      default:
        reader.skip(tag);
    }
  }
  return request;
}

export function decodeTransaction(reader: ProtoReader, nesting = 1): TransactionRequest {
  if (nesting > maxNesting) throw new ProtoFault(`transactions nested deeper than ${maxNesting}`);
  const compare: Compare[] = [];
  const success: Operation[] = [];
  const failure: Operation[] = [];
  while (reader.hasMore) {
    const tag = reader.tag();
    switch (tag) {
      case (1 << 3) | 2:
        compare.push(decodeCompare(reader.message()));
        break;
      case (2 << 3) | 2:
        pushOperation(success, reader.message(), nesting);
        break;
      case (3 << 3) | 2:
        pushOperation(failure, reader.message(), nesting);
        break;
      default:
        reader.skip(tag);
    }
  }
  return { kind: "transaction", compare, success, failure };
}

/** An operation that says nothing is none, as in etcd. */
function pushOperation(operations: Operation[], reader: ProtoReader, nesting: number): void {
  let operation: Operation | null = null;
  while (reader.hasMore) {
    const tag = reader.tag();
    switch (tag) {
      case (1 << 3) | 2:
        operation = decodeRange(reader.message());
        break;
      case (2 << 3) | 2:
        operation = decodePut(reader.message());
        break;
      case (3 << 3) | 2:
        operation = decodeDeleteRange(reader.message());
        break;
      case (4 << 3) | 2:
        operation = decodeTransaction(reader.message(), nesting + 1);
        break;
      default:
        reader.skip(tag);
    }
  }
  if (operation !== null) operations.push(operation);
}

function decodeCompare(reader: ProtoReader): Compare {
  let result: CompareResult = "equal";
  let target: (typeof compareTargets)[number] = "version";
  let key = "";
  let rangeEnd = "";
  let number = 0;
  let leaseId = 0n;
  let value: Uint8Array = noBytes;
  while (reader.hasMore) {
    const tag = reader.tag();
    switch (tag) {
      case 1 << 3:
        result = named(compareResults, reader.int32());
        break;
      case 2 << 3:
        target = named(compareTargets, reader.int32());
        break;
      case (3 << 3) | 2:
        key = reader.key();
        break;
      case 4 << 3:
      case 5 << 3:
      case 6 << 3:
        number = reader.int64();
        break;
      case (7 << 3) | 2:
        value = reader.bytes();
        break;
      case 8 << 3:
        leaseId = reader.id64();
        break;
      case (64 << 3) | 2:
        rangeEnd = reader.key();
        break;
      default:
        reader.skip(tag);
    }
  }
  const which = { key, rangeEnd, result };
  switch (target) {
    case "value":
      return { ...which, target, operand: value };
    case "lease":
      return { ...which, target, operand: leaseId };
    default:
      return { ...which, target, operand: number };
  }
}

export function decodeCompaction(reader: ProtoReader): { revision: number; physical: boolean } {
  const request = { revision: 0, physical: false };
  while (reader.hasMore) {
    const tag = reader.tag();
    if (tag === 1 << 3) request.revision = reader.int64();
    else if (tag === 2 << 3) request.physical = reader.bool();
    else reader.skip(tag);
  }
  return request;
}

function named<Name>(names: readonly Name[], value: number): Name {
  const name = names[value];
  if (name === undefined) throw new ProtoFault(`${value} where one of ${names.length} was due`);
  return name;
}

/**
 * Commands as the bytes that go through the log. What it writes first is the version of this
 * format; a node that cannot read a command refuses it, as does every other node of its version.
 */

import { failed, ok, type Result } from "../base/index.ts";
import { ByteReader, Unreadable } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { type KvFault, kvFault } from "./fault.ts";
import { limits } from "./limits.ts";
import {
  alarmTypes,
  type Command,
  type Compare,
  compareResults,
  noLease,
  type Operation,
  type PutRequest,
  type RangeRequest,
  sortOrders,
  sortTargets,
  type TransactionRequest,
} from "./request.ts";

const formatVersion = 1;

const kinds = [
  "put",
  "delete-range",
  "transaction",
  "compact",
  "lease-grant",
  "lease-revoke",
  "lease-expire",
  "alarm",
  "quota",
] as const satisfies readonly Command["kind"][];
const operationKinds = ["range", "put", "delete-range", "transaction"] as const;
const targets = ["version", "create", "mod", "lease", "value"] as const;

/** Bits of a put. */
const withLease = 1;
const withPrevious = 2;
const keepValue = 4;
const keepLease = 8;

export function encodeCommand(command: Command): Uint8Array {
  const value = command.kind === "put" ? command.key.length + command.value.length + 24 : 128;
  const writer = new ByteWriter(value);
  writer.byte(formatVersion);
  writer.byte(kinds.indexOf(command.kind));
  switch (command.kind) {
    case "put":
    case "delete-range":
    case "transaction":
      writeOperation(writer, command);
      break;
    case "compact":
      writer.varint(command.revision);
      break;
    case "lease-grant":
      writer.int64(command.id);
      writer.varint(command.ttlSeconds);
      break;
    case "lease-revoke":
      writer.int64(command.id);
      break;
    case "lease-expire":
      writer.int64(command.id);
      writer.varint(command.term);
      break;
    case "alarm":
      writer.byte(command.active ? 1 : 0);
      writer.byte(alarmTypes.indexOf(command.alarm.type));
      writer.int64(command.alarm.memberId);
      break;
    case "quota":
      writer.varint(command.bytes);
      break;
  }
  return writer.finish();
}

/** E_COMMAND_UNREADABLE for anything `encodeCommand` does not write. Values are views of `bytes`. */
export function decodeCommand(bytes: Uint8Array): Result<Command, KvFault> {
  if (bytes.length > limits.commandBytes) return failed(kvFault("E_REQUEST_TOO_LARGE"));
  try {
    const reader = new ByteReader(bytes);
    const version = reader.byte();
    if (version !== formatVersion) throw new Unreadable(`its format is ${version}`);
    const command = readCommand(reader, reader.oneOf(kinds));
    reader.end();
    return ok(command);
  } catch (thrown) {
    if (!(thrown instanceof Unreadable)) throw thrown;
    return failed(kvFault("E_COMMAND_UNREADABLE", thrown.message));
  }
}

function readCommand(reader: ByteReader, kind: Command["kind"]): Command {
  switch (kind) {
    case "put":
    case "delete-range":
    case "transaction":
      return readOperation(reader, kind, 0) as Command;
    case "compact":
      return { kind, revision: reader.varint() };
    case "lease-grant":
      return { kind, id: reader.int64(), ttlSeconds: reader.varint() };
    case "lease-revoke":
      return { kind, id: reader.int64() };
    case "lease-expire":
      return { kind, id: reader.int64(), term: reader.varint() };
    case "alarm": {
      const active = readFlags(reader, 1) === 1;
      return { kind, active, alarm: { type: reader.oneOf(alarmTypes), memberId: reader.int64() } };
    }
    case "quota":
      return { kind, bytes: reader.varint() };
  }
}

function writeOperation(writer: ByteWriter, operation: Operation): void {
  switch (operation.kind) {
    case "range":
      writeRange(writer, operation);
      break;
    case "put": {
      const { lease } = operation;
      const flags =
        (lease === noLease ? 0 : withLease) |
        (operation.prevKv ? withPrevious : 0) |
        (operation.ignoreValue ? keepValue : 0) |
        (operation.ignoreLease ? keepLease : 0);
      writer.byte(flags);
      if (lease !== noLease) writer.int64(lease);
      writer.key(operation.key);
      writer.bytes(operation.value);
      break;
    }
    case "delete-range":
      writer.byte(operation.prevKv ? 1 : 0);
      writer.key(operation.key);
      writer.key(operation.rangeEnd);
      break;
    case "transaction":
      writeTransaction(writer, operation);
      break;
  }
}

function writeRange(writer: ByteWriter, request: RangeRequest): void {
  writer.byte((request.keysOnly ? 1 : 0) | (request.countOnly ? 2 : 0));
  writer.byte(sortOrders.indexOf(request.sortOrder));
  writer.byte(sortTargets.indexOf(request.sortTarget));
  writer.key(request.key);
  writer.key(request.rangeEnd);
  for (const name of rangeNumbers) writer.varint(Math.max(0, request[name]));
}

const rangeNumbers = [
  "limit",
  "revision",
  "minModRevision",
  "maxModRevision",
  "minCreateRevision",
  "maxCreateRevision",
] as const;

function writeTransaction(writer: ByteWriter, request: TransactionRequest): void {
  writer.varint(request.compare.length);
  for (const compare of request.compare) {
    writer.byte(targets.indexOf(compare.target));
    writer.byte(compareResults.indexOf(compare.result));
    writer.key(compare.key);
    writer.key(compare.rangeEnd);
    if (compare.target === "value") writer.bytes(compare.operand);
    else if (compare.target === "lease") writer.int64(compare.operand);
    else writer.float64(compare.operand);
  }
  for (const operations of [request.success, request.failure]) {
    writer.varint(operations.length);
    for (const operation of operations) {
      writer.byte(operationKinds.indexOf(operation.kind));
      writeOperation(writer, operation);
    }
  }
}

function readFlags(reader: ByteReader, known: number): number {
  const flags = reader.byte();
  if (flags > known) throw new Unreadable("unknown flags are set");
  return flags;
}

function readOperation(reader: ByteReader, kind: Operation["kind"], depth: number): Operation {
  switch (kind) {
    case "range":
      return readRange(reader);
    case "put":
      return readPut(reader);
    case "delete-range": {
      const prevKv = readFlags(reader, 1) === 1;
      return { kind, prevKv, key: reader.key(), rangeEnd: reader.key() };
    }
    case "transaction":
      return readTransaction(reader, depth);
  }
}

function readPut(reader: ByteReader): PutRequest {
  const flags = readFlags(reader, withLease | withPrevious | keepValue | keepLease);
  const lease = (flags & withLease) === 0 ? noLease : reader.int64();
  if ((flags & withLease) !== 0 && lease === noLease) throw new Unreadable("a lease is none");
  return {
    kind: "put",
    key: reader.key(),
    value: reader.bytes(),
    lease,
    prevKv: (flags & withPrevious) !== 0,
    ignoreValue: (flags & keepValue) !== 0,
    ignoreLease: (flags & keepLease) !== 0,
  };
}

function readRange(reader: ByteReader): RangeRequest {
  const flags = readFlags(reader, 3);
  return {
    kind: "range",
    keysOnly: (flags & 1) !== 0,
    countOnly: (flags & 2) !== 0,
    sortOrder: reader.oneOf(sortOrders),
    sortTarget: reader.oneOf(sortTargets),
    key: reader.key(),
    rangeEnd: reader.key(),
    limit: reader.varint(),
    revision: reader.varint(),
    minModRevision: reader.varint(),
    maxModRevision: reader.varint(),
    minCreateRevision: reader.varint(),
    maxCreateRevision: reader.varint(),
  };
}

function readTransaction(reader: ByteReader, depth: number): TransactionRequest {
  if (depth > limits.operations) throw new Unreadable("transactions are nested too deep");
  const compare = readList(reader, () => readCompare(reader));
  const operations = () =>
    readList(reader, () => readOperation(reader, reader.oneOf(operationKinds), depth + 1));
  return { kind: "transaction", compare, success: operations(), failure: operations() };
}

function readList<Item>(reader: ByteReader, read: () => Item): Item[] {
  const count = reader.varint();
  const items: Item[] = [];
  while (items.length < count) items.push(read());
  return items;
}

function readCompare(reader: ByteReader): Compare {
  const target = reader.oneOf(targets);
  const result = reader.oneOf(compareResults);
  const place = { key: reader.key(), rangeEnd: reader.key(), result };
  if (target === "value") return { ...place, target, operand: reader.bytes() };
  if (target === "lease") return { ...place, target, operand: reader.int64() };
  const operand = reader.float64();
  if (!Number.isInteger(operand)) throw new Unreadable("a revision is no whole number");
  return { ...place, target, operand };
}

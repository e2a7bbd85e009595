/** etcd's KV replies and watch events (proto/etcd/rpc.proto) onto the wire, written by hand. */

import type {
  DeleteRangeReply,
  KeyValue,
  OperationReply,
  PutReply,
  RangeReply,
  TransactionReply,
  WatchEvent,
} from "../store-port.ts";
import { ProtoWriter } from "./proto-writer.ts";
import type { Identity } from "./reply-header.ts";

/** Writes the `ResponseHeader` that opens every reply; who answers is written once. */
export class HeaderWriter {
  readonly #identity: () => Identity;
  readonly #term: () => number;
  #written: { readonly clusterId: bigint; readonly bytes: Uint8Array } | null = null;

  constructor(identity: () => Identity, term: () => number) {
    this.#identity = identity;
    this.#term = term;
  }

  /** A reply that begins with its header, to be written on. */
  reply(revision: number, expectedBytes?: number): ProtoWriter {
    const writer = new ProtoWriter(expectedBytes);
    writer.message(1, revision, this.#write);
    return writer;
  }

  readonly #write = (writer: ProtoWriter, revision: number): void => {
    writer.raw(this.#member());
    writer.number(3, revision);
    writer.number(4, this.#term());
  };

  /** The same for every reply, once this member is in a group. */
  #member(): Uint8Array {
    const { clusterId, memberId } = this.#identity();
    if (this.#written?.clusterId === clusterId) return this.#written.bytes;
    const writer = new ProtoWriter(24);
    writer.id64(1, clusterId);
    writer.id64(2, memberId);
    this.#written = { clusterId, bytes: writer.finish() };
    return this.#written.bytes;
  }
}

function writeKeyValue(writer: ProtoWriter, kv: KeyValue): void {
  writer.key(1, kv.key);
  writer.number(2, kv.createRevision);
  writer.number(3, kv.modRevision);
  writer.number(4, kv.version);
  writer.bytes(5, kv.value);
  writer.id64(6, kv.lease);
}

export function writeRange(writer: ProtoWriter, reply: RangeReply): void {
  for (const kv of reply.keyValues) writer.message(2, kv, writeKeyValue);
  writer.bool(3, reply.more);
  writer.number(4, reply.count);
}

export function writePut(writer: ProtoWriter, reply: PutReply): void {
  if (reply.previous !== null) writer.message(2, reply.previous, writeKeyValue);
}

export function writeDeleteRange(writer: ProtoWriter, reply: DeleteRangeReply): void {
  writer.number(2, reply.deleted);
  for (const kv of reply.previous) writer.message(3, kv, writeKeyValue);
}

export function writeTransaction(writer: ProtoWriter, reply: TransactionReply): void {
  writer.bool(2, reply.succeeded);
  for (const inner of reply.replies) writer.message(3, inner, writeOperation);
}

function writeOperation(writer: ProtoWriter, inner: OperationReply): void {
  switch (inner.kind) {
    case "range":
      writer.message(1, inner, (nested, reply) => {
        writeInnerHeader(nested, reply);
        writeRange(nested, reply);
      });
      return;
    case "put":
      writer.message(2, inner, (nested, reply) => {
        writeInnerHeader(nested, reply);
        writePut(nested, reply);
      });
      return;
    case "delete-range":
      writer.message(3, inner, (nested, reply) => {
        writeInnerHeader(nested, reply);
        writeDeleteRange(nested, reply);
      });
      return;
    case "transaction":
      writer.message(4, inner, (nested, reply) => {
        writeInnerHeader(nested, reply);
        writeTransaction(nested, reply);
      });
      return;
  }
}

/** The replies inside a transaction carry their revision alone, as etcd's do. */
function writeInnerHeader(writer: ProtoWriter, reply: OperationReply): void {
  writer.message(1, reply.revision, (header, revision) => header.number(3, revision));
}

export function writeEvent(writer: ProtoWriter, event: WatchEvent): void {
  if (event.type === "delete") writer.number(1, 1);
  writer.message(2, event.keyValue, writeKeyValue);
  if (event.previous !== null) writer.message(3, event.previous, writeKeyValue);
}

/** `etcdserverpb.KV`: the calls a store lives by, from bytes to bytes. */

import type { Fault, Result } from "../../base/index.ts";
import type { CallContext, Methods } from "../grpc/method.ts";
import type { KeysPort } from "../store-port.ts";
import { etcdFailure, noLeaderKnown } from "./etcd-faults.ts";
import {
  decodeCompaction,
  decodeDeleteRange,
  decodePut,
  decodeRangeCall,
  decodeTransaction,
} from "./kv-decoding.ts";
import {
  type HeaderWriter,
  writeDeleteRange,
  writePut,
  writeRange,
  writeTransaction,
} from "./kv-encoding.ts";
import { ProtoReader } from "./proto-reader.ts";
import type { ProtoWriter } from "./proto-writer.ts";

export interface KvServiceParts {
  readonly store: KeysPort;
  readonly header: HeaderWriter;
  readonly hasLeader: () => boolean;
}

export interface KvServiceOptions {
  /** What a request that changes something may weigh: etcd's `--max-request-bytes`. */
  readonly maxRequestBytes: number;
}

export function kvMethods(parts: KvServiceParts, options: KvServiceOptions): Methods {
  const { store, header } = parts;

  async function answered<Reply extends { readonly revision: number }>(
    outcome: Promise<Result<Reply, Fault>>,
    write: (writer: ProtoWriter, reply: Reply) => void,
  ) {
    const result = await outcome;
    if (!result.ok) return etcdFailure(result.fault);
    const writer = header.reply(result.value.revision);
    write(writer, result.value);
    return writer.finish();
  }

  /** As etcd's interceptor: who says `hasleader` would rather be refused than wait. */
  const leaderless = (context: CallContext) =>
    context.metadata("hasleader") === "true" && !parts.hasLeader();

  const unary = (limitBytes: number, answer: (message: Buffer) => ReturnType<typeof answered>) => ({
    kind: "unary" as const,
    answer(message: Buffer, context: CallContext) {
      if (leaderless(context)) return noLeaderKnown;
      if (message.length > limitBytes) return tooLarge;
      return answer(message);
    },
  });

  const unlimited = Number.POSITIVE_INFINITY;
  const { maxRequestBytes } = options;
  return {
    "/etcdserverpb.KV/Range": unary(unlimited, (message) => {
      const { request, serializable } = decodeRangeCall(new ProtoReader(message));
      return answered(store.range(request, serializable), writeRange);
    }),
    "/etcdserverpb.KV/Put": unary(maxRequestBytes, (message) =>
      answered(store.put(decodePut(new ProtoReader(message))), writePut),
    ),
    "/etcdserverpb.KV/DeleteRange": unary(maxRequestBytes, (message) =>
      answered(store.deleteRange(decodeDeleteRange(new ProtoReader(message))), writeDeleteRange),
    ),
    "/etcdserverpb.KV/Txn": unary(maxRequestBytes, (message) =>
      answered(store.transaction(decodeTransaction(new ProtoReader(message))), writeTransaction),
    ),
    "/etcdserverpb.KV/Compact": unary(maxRequestBytes, (message) => {
      const { revision, physical } = decodeCompaction(new ProtoReader(message));
      return answered(store.compact(revision, physical), () => {});
    }),
  };
}

const tooLarge = etcdFailure({ code: "E_REQUEST_TOO_LARGE", message: "" });

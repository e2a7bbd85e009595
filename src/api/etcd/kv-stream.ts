/**
 * `meshmend.kv.v1.KVService/Stream`: the unary calls of etcd's API, many at a time on one stream.
 * What one turn of the event loop has to answer leaves as one message, since the cost of a stream
 * lies in its messages and not in their bytes.
 */

import { type Logger, messageOf } from "../../base/index.ts";
import {
  Call,
  type Response,
  StreamRequest,
  StreamResponse,
} from "../../wire/meshmend/kv/v1/kv.ts";
import { grpcCodes, grpcFailure } from "../grpc/grpc-status.ts";
import type { Answer, Methods, StreamCall, StreamListener, StreamMethod } from "../grpc/method.ts";

const paths: Readonly<Record<number, string>> = {
  [Call.RANGE]: "/etcdserverpb.KV/Range",
  [Call.PUT]: "/etcdserverpb.KV/Put",
  [Call.DELETE_RANGE]: "/etcdserverpb.KV/DeleteRange",
  [Call.TXN]: "/etcdserverpb.KV/Txn",
  [Call.COMPACT]: "/etcdserverpb.KV/Compact",
  [Call.LEASE_GRANT]: "/etcdserverpb.Lease/LeaseGrant",
  [Call.LEASE_REVOKE]: "/etcdserverpb.Lease/LeaseRevoke",
  [Call.LEASE_TIME_TO_LIVE]: "/etcdserverpb.Lease/LeaseTimeToLive",
};

/** Of one stream; what comes beyond is refused, one by one. */
const maxUnderWay = 4_096;
/** A client that does not take its answers is cut when so many bytes wait for it. */
const maxWaitingBytes = 8 * 1024 * 1024;

export function kvStreamMethod(methods: Methods, logger: Logger): StreamMethod {
  return { kind: "stream", open: (call) => new KvStream({ call, methods, logger }) };
}

class KvStream implements StreamListener {
  readonly #call: StreamCall;
  readonly #methods: Methods;
  readonly #logger: Logger;
  #underWay = 0;
  #responses: Response[] = [];
  #halfClosed = false;

  constructor(parts: {
    readonly call: StreamCall;
    readonly methods: Methods;
    readonly logger: Logger;
  }) {
    this.#call = parts.call;
    this.#methods = parts.methods;
    this.#logger = parts.logger;
  }

  message(bytes: Buffer): void {
    for (const { id, call, message } of StreamRequest.decode(bytes).requests) {
      this.#begin(id, call, Buffer.from(message.buffer, message.byteOffset, message.length));
    }
  }

  halfClosed(): void {
    this.#halfClosed = true;
    this.#endWhenDone();
  }

  drained(): void {
    // Nothing waits for it: the requests under way bound what is to be said.
  }

  closed(): void {
    this.#responses = [];
  }

  #begin(id: number, call: number, message: Buffer): void {
    const method = this.#methods[paths[call] ?? ""];
    this.#underWay++;
    if (method?.kind !== "unary") {
      this.#answer(id, grpcFailure("unimplemented", `there is no call ${call}`));
    } else if (this.#underWay > maxUnderWay) {
      this.#answer(id, grpcFailure("resourceExhausted", "etcdserver: too many requests"));
    } else {
      void this.#carryOut(id, () => method.answer(message, this.#call));
    }
  }

  async #carryOut(id: number, act: () => Answer | Promise<Answer>): Promise<void> {
    try {
      this.#answer(id, await act());
    } catch (thrown) {
      // As for a unary call: bytes that are no such message, or a bug; the stream goes on.
      this.#logger.debug("a request on a stream failed unexpectedly", { error: messageOf(thrown) });
      this.#answer(id, grpcFailure("internal", "the request could not be read or carried out"));
    }
  }

  #answer(id: number, answer: Answer): void {
    const outcome: Response["outcome"] =
      answer instanceof Uint8Array
        ? { $case: "message", value: answer }
        : { $case: "failure", value: { code: grpcCodes[answer.code], message: answer.message } };
    this.#underWay--;
    this.#responses.push({ id, outcome });
    if (this.#responses.length === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const responses = this.#responses;
    this.#responses = [];
    if (responses.length > 0) {
      this.#call.send(StreamResponse.encode({ responses }).finish());
      if (this.#call.waitingBytes > maxWaitingBytes) {
        this.#call.fail(grpcFailure("resourceExhausted", "the answers are not taken"));
      }
    }
    this.#endWhenDone();
  }

  #endWhenDone(): void {
    if (this.#halfClosed && this.#underWay === 0 && this.#responses.length === 0) this.#call.end();
  }
}

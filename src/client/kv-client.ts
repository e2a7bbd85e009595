/**
 * The agreed map over one stream (`meshmend.kv.v1.KVService/Stream`): any number of requests in
 * flight, and what a turn of the event loop asks for leaves as one message. Requests and answers
 * are the messages of etcd's API. Watches, kept leases and snapshots are streams of etcd's API
 * beside it, on the same connection.
 */

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
} from "node:http2";
import { framed, MessageAssembler } from "../api/grpc/message-framing.ts";
import { type Fault, failed, fault, ok, type Result } from "../base/index.ts";
import * as etcd from "../wire/etcd/rpc.ts";
import {
  Call,
  type Request,
  type Response,
  StreamRequest,
  StreamResponse,
} from "../wire/meshmend/kv/v1/kv.ts";
import { ClientStream, callHeaders, maxMessageBytes } from "./client-stream.ts";

export interface KvClientOptions {
  /** `host:port` of any member. */
  readonly address: string;
  /** Requests that may wait for their answers; what comes beyond is refused. */
  readonly maxInFlight: number;
}

/** A message is closed when it has so much to say: servers take 2 MiB. */
const batchBytes = 512 * 1024;

/**
 * Faults: E_CLIENT_REFUSED with the server's words; E_OVERLOADED when nothing was sent;
 * E_OUTCOME_UNKNOWN when the connection broke before the answer came.
 */
export class KvClient {
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  readonly #options: KvClientOptions;
  readonly #waiting = new Map<number, (outcome: Result<Uint8Array>) => void>();
  readonly #assembler = new MessageAssembler(maxMessageBytes);
  #batch: Request[] = [];
  #batchBytes = 0;
  #lastId = 0;
  #ended: Fault | null = null;

  private constructor(session: ClientHttp2Session, options: KvClientOptions) {
    this.#session = session;
    this.#options = options;
    this.#stream = session.request(callHeaders("/meshmend.kv.v1.KVService/Stream"));
    const refused = (fields: IncomingHttpHeaders) => {
      const code = fields["grpc-status"];
      if (code !== undefined) this.#end(`gRPC status ${[code, fields["grpc-message"]].join(" ")}`);
    };
    this.#stream.on("response", refused);
    this.#stream.on("trailers", refused);
    this.#stream.on("data", (chunk: Buffer) => this.#received(chunk));
    this.#stream.on("error", (thrown) => this.#end(thrown.message));
    this.#stream.on("close", () => this.#end("the stream was closed"));
    session.on("error", (thrown) => this.#end(thrown.message));
  }

  /** Without TLS: to a member on this machine. Fault: E_CLIENT_UNREACHABLE. */
  static connect(options: KvClientOptions): Promise<Result<KvClient>> {
    return new Promise((resolve) => {
      const session = connect(`http://${options.address}`);
      const unreachable = (thrown: Error) =>
        resolve(failed(fault("E_CLIENT_UNREACHABLE", `${options.address}: ${thrown.message}`)));
      session.once("error", unreachable);
      session.once("connect", () => {
        session.removeListener("error", unreachable);
        resolve(ok(new KvClient(session, options)));
      });
    });
  }

  range(request: etcd.RangeRequest): Promise<Result<etcd.RangeResponse>> {
    return this.#call(Call.RANGE, etcd.RangeRequest.encode(request), etcd.RangeResponse);
  }

  put(request: etcd.PutRequest): Promise<Result<etcd.PutResponse>> {
    return this.#call(Call.PUT, etcd.PutRequest.encode(request), etcd.PutResponse);
  }

  deleteRange(request: etcd.DeleteRangeRequest): Promise<Result<etcd.DeleteRangeResponse>> {
    const encoded = etcd.DeleteRangeRequest.encode(request);
    return this.#call(Call.DELETE_RANGE, encoded, etcd.DeleteRangeResponse);
  }

  transaction(request: etcd.TxnRequest): Promise<Result<etcd.TxnResponse>> {
    return this.#call(Call.TXN, etcd.TxnRequest.encode(request), etcd.TxnResponse);
  }

  leaseGrant(request: etcd.LeaseGrantRequest): Promise<Result<etcd.LeaseGrantResponse>> {
    const encoded = etcd.LeaseGrantRequest.encode(request);
    return this.#call(Call.LEASE_GRANT, encoded, etcd.LeaseGrantResponse);
  }

  leaseRevoke(request: etcd.LeaseRevokeRequest): Promise<Result<etcd.LeaseRevokeResponse>> {
    const encoded = etcd.LeaseRevokeRequest.encode(request);
    return this.#call(Call.LEASE_REVOKE, encoded, etcd.LeaseRevokeResponse);
  }

  /** A TTL of -1: there is no such lease. */
  leaseTimeToLive(
    request: etcd.LeaseTimeToLiveRequest,
  ): Promise<Result<etcd.LeaseTimeToLiveResponse>> {
    const encoded = etcd.LeaseTimeToLiveRequest.encode(request);
    return this.#call(Call.LEASE_TIME_TO_LIVE, encoded, etcd.LeaseTimeToLiveResponse);
  }

  leases(): Promise<Result<etcd.LeaseLeasesResponse>> {
    const call = new ClientStream(this.#session, {
      path: "/etcdserverpb.Lease/LeaseLeases",
      requests: etcd.LeaseLeasesRequest,
      replies: etcd.LeaseLeasesResponse,
    });
    call.send({});
    call.end();
    return call.reply();
  }

  /** Renew with `send`, as often as is wanted; a TTL of 0 in a reply: the lease is gone. */
  leaseKeepAlive(
    signal: AbortSignal,
  ): ClientStream<etcd.LeaseKeepAliveRequest, etcd.LeaseKeepAliveResponse> {
    return new ClientStream(
      this.#session,
      {
        path: "/etcdserverpb.Lease/LeaseKeepAlive",
        requests: etcd.LeaseKeepAliveRequest,
        replies: etcd.LeaseKeepAliveResponse,
      },
      signal,
    );
  }

  /** Watches are created and cancelled with `send`; one that is not read costs the server little. */
  watch(signal: AbortSignal): ClientStream<etcd.WatchRequest, etcd.WatchResponse> {
    return new ClientStream(
      this.#session,
      {
        path: "/etcdserverpb.Watch/Watch",
        requests: etcd.WatchRequest,
        replies: etcd.WatchResponse,
      },
      signal,
    );
  }

  /** The whole store of the member that is asked, in pieces; the last 32 bytes are its SHA-256. */
  snapshot(signal: AbortSignal): AsyncGenerator<Result<etcd.SnapshotResponse>> {
    const call = new ClientStream(
      this.#session,
      {
        path: "/etcdserverpb.Maintenance/Snapshot",
        requests: etcd.SnapshotRequest,
        replies: etcd.SnapshotResponse,
      },
      signal,
    );
    call.send({});
    call.end();
    return call.replies();
  }

  /** What still waits ends with E_OUTCOME_UNKNOWN. */
  close(): void {
    this.#end("the client was closed");
  }

  async #call<Reply>(
    call: Call,
    encoded: { finish(): Uint8Array },
    replies: { decode(bytes: Uint8Array): Reply },
  ): Promise<Result<Reply>> {
    if (this.#ended !== null) return failed(this.#ended);
    if (this.#waiting.size >= this.#options.maxInFlight) return failed(overloaded);
    const id = this.#freeId();
    const answered = new Promise<Result<Uint8Array>>((resolve) => this.#waiting.set(id, resolve));
    this.#say({ id, call, message: encoded.finish() });
    const outcome = await answered;
    return outcome.ok ? ok(replies.decode(outcome.value)) : outcome;
  }

  /** 32 bits, round and round. */
  #freeId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0;
    while (this.#waiting.has(this.#lastId));
    return this.#lastId;
  }

  #say(request: Request): void {
    if (this.#batchBytes + request.message.length > batchBytes) this.#flush();
    this.#batch.push(request);
    this.#batchBytes += request.message.length;
    if (this.#batch.length === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    if (this.#batch.length === 0 || this.#ended !== null) return;
    const requests = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#stream.write(framed(StreamRequest.encode({ requests }).finish()));
  }

  #received(chunk: Buffer): void {
    const failure = this.#assembler.push(chunk, (message) => {
      for (const response of StreamResponse.decode(message).responses) this.#answer(response);
    });
    if (failure !== null) this.#end(failure.message);
  }

  #answer({ id, outcome }: Response): void {
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (outcome?.$case === "message") resolve?.(ok(outcome.value));
    else resolve?.(failed(fault("E_CLIENT_REFUSED", outcome?.value.message ?? "no answer")));
  }

  #end(why: string): void {
    if (this.#ended !== null) return;
    this.#ended = fault("E_CLIENT_CLOSED", `the connection is over: ${why}`);
    const unknown = fault("E_OUTCOME_UNKNOWN", `it may or may not have been done: ${why}`);
    for (const resolve of this.#waiting.values()) resolve(failed(unknown));
    this.#waiting.clear();
    this.#batch = [];
    this.#session.destroy();
  }
}

const overloaded = fault("E_OVERLOADED", "too many requests wait for their answers");

/**
 * The connections behind the members' calls, one to each address that was asked lately, and how a
 * call on them ends: with an answer, or with a fault that has a code of ours. Knows whether a call
 * that failed may have been carried out all the same.
 */

import { Client, type ServiceError, status } from "@grpc/grpc-js";
import {
  type Clock,
  type Fault,
  failed,
  fault,
  type NodeId,
  ok,
  type Result,
} from "../../base/index.ts";
import { connectionFault } from "./connection-fault.ts";
import { type ConnectionLimits, channelOptions } from "./exchange-call.ts";
import type { UnaryMethod } from "./member-service.ts";
import { formatPeerAddress, parsePeerAddress } from "./peer-address.ts";
import {
  channelCredentials,
  identityOf,
  type PeerIdentity,
  type PeerSecurity,
} from "./peer-credentials.ts";

export interface MemberConnectionsParts {
  readonly clock: Clock;
  readonly security: PeerSecurity;
}

export interface MemberConnectionsOptions extends ConnectionLimits {
  readonly timeoutMs: number;
  /** Connections kept; the one unused for longest makes room. */
  readonly maxConnections: number;
}

/** A member by its address, and its name when it is known. */
export interface MemberTarget {
  readonly id: NodeId | null;
  readonly address: string;
}

interface Connection {
  readonly client: Client;
  readonly identity: PeerIdentity | null;
  calls: number;
  /** Why a certificate was refused; gRPC's own words would not say whose it was. */
  mismatch: Fault | null;
}

interface Ended<Response> {
  readonly answer: Result<Response>;
  /** It may have reached whom it was meant for. */
  readonly sent: boolean;
}

const malformed = fault("E_PEER_MALFORMED", "the answer is no answer of this protocol");

export class MemberConnections {
  readonly #parts: MemberConnectionsParts;
  readonly #options: MemberConnectionsOptions;
  /** By address and name, the one used last at the end. */
  readonly #connections = new Map<string, Connection>();
  readonly #stopped = new AbortController();

  constructor(parts: MemberConnectionsParts, options: MemberConnectionsOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** A question, which may be asked twice. Faults: E_PEER_... */
  async call<Request, Response>(
    to: MemberTarget,
    method: UnaryMethod<Request, Response>,
    request: Request,
    signal: AbortSignal | null,
  ): Promise<Result<Response>> {
    const ended = await this.#run(to, method, request, signal);
    return ended.answer;
  }

  /** What changes something. Faults: E_PEER_... when surely nothing was done, else E_OUTCOME_UNKNOWN. */
  async change<Request, Response>(
    to: MemberTarget,
    method: UnaryMethod<Request, Response>,
    request: Request,
    signal: AbortSignal | null,
  ): Promise<Result<Response>> {
    const { answer, sent } = await this.#run(to, method, request, signal);
    if (answer.ok || !sent) return answer;
    const why = `${answer.fault.code}, ${answer.fault.message}`;
    return failed(fault("E_OUTCOME_UNKNOWN", `it may or may not have been done: ${why}`));
  }

  async #run<Request, Response>(
    to: MemberTarget,
    method: UnaryMethod<Request, Response>,
    request: Request,
    signal: AbortSignal | null,
  ): Promise<Ended<Response>> {
    const opened = this.#connection(to);
    if (!opened.ok) return { answer: opened, sent: false };
    const connection = opened.value;
    const { timeoutMs } = this.#options;
    const over = new AbortController();
    const waits = [this.#stopped.signal, over.signal, ...(signal === null ? [] : [signal])];
    let timedOut = false;
    void this.#parts.clock.sleep(timeoutMs, over.signal).then(() => {
      timedOut = !over.signal.aborted;
      over.abort();
    });
    connection.calls++;
    const answer = await unary(connection.client, method, request, AbortSignal.any(waits));
    connection.calls--;
    over.abort();
    if (answer.ok) return { answer, sent: true };
    if (connection.mismatch !== null) return { answer: failed(connection.mismatch), sent: false };
    if (!timedOut)
      return { answer: failed(faultOf(answer.fault)), sent: !surelyNotDone(answer.fault) };
    const timeout = fault("E_PEER_TIMEOUT", `no answer within ${timeoutMs} ms`);
    return { answer: failed(timeout), sent: true };
  }

  stop(): void {
    this.#stopped.abort();
    for (const { client } of this.#connections.values()) client.close();
    this.#connections.clear();
  }

  #connection({ id, address }: MemberTarget): Result<Connection> {
    if (this.#stopped.signal.aborted) {
      return failed(fault("E_PEER_STOPPED", "this node is stopping"));
    }
    const key = `${address} ${id ?? ""}`;
    const known = this.#connections.get(key);
    const { credentials } = this.#parts.security;
    const current = credentials === null ? ok(null) : identityOf(credentials);
    if (!current.ok) return current;
    const identity = current.value;
    if (known !== undefined && (known.identity === identity || known.calls > 0)) {
      this.#connections.delete(key);
      this.#connections.set(key, known);
      return ok(known);
    }
    const opened = this.#open({ id, address }, identity);
    if (!opened.ok) return opened;
    known?.client.close();
    this.#connections.delete(key);
    this.#connections.set(key, opened.value);
    this.#makeRoom();
    return opened;
  }

  #open({ id, address }: MemberTarget, identity: PeerIdentity | null): Result<Connection> {
    const parsed = parsePeerAddress(address);
    if (!parsed.ok) return parsed;
    const { security } = this.#parts;
    const credentials = channelCredentials(parsed.value, id, security, (refusal) => {
      connection.mismatch = refusal;
    });
    if (!credentials.ok) return credentials;
    const client = new Client(`dns:${formatPeerAddress(parsed.value)}`, credentials.value, {
      ...channelOptions(this.#options),
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 2_000,
    });
    const connection: Connection = { client, identity, calls: 0, mismatch: null };
    return ok(connection);
  }

  #makeRoom(): void {
    for (const [key, { client, calls }] of this.#connections) {
      if (this.#connections.size <= this.#options.maxConnections) return;
      if (calls > 0) continue;
      client.close();
      this.#connections.delete(key);
    }
  }
}

type UnaryAnswer<Response> =
  | { readonly ok: true; readonly value: Response }
  /** Null: an answer that says nothing. */
  | { readonly ok: false; readonly fault: ServiceError | null };

function unary<Request, Response>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: UnaryMethod<Request, Response>,
  request: Request,
  signal: AbortSignal,
): Promise<UnaryAnswer<Response>> {
  return new Promise((resolve) => {
    const stop = (): void => call.cancel();
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      (error: ServiceError | null, response?: Response | null) => {
        signal.removeEventListener("abort", stop);
        if (error !== null) resolve({ ok: false, fault: error });
        else if (response == null) resolve({ ok: false, fault: null });
        else resolve(ok(response));
      },
    );
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  });
}

/** A refusal of MemberServer comes as a status whose details begin with the code. */
const refusalOf = ({ code, details }: ServiceError) =>
  code === status.FAILED_PRECONDITION ? /^(E_PEER_[A-Z_]{1,40}): (.{0,200})/.exec(details) : null;

function faultOf(error: ServiceError | null): Fault {
  if (error === null) return malformed;
  const refusal = refusalOf(error);
  if (refusal !== null) {
    const [, code = "E_PEER_MALFORMED", message = ""] = refusal;
    return fault(code, `the peer refuses this node: ${message}`);
  }
  if (error.code === status.CANCELLED) {
    return fault("E_PEER_STOPPED", "nobody waits for the answer any more");
  }
  return connectionFault(error);
}

/** What @grpc/grpc-js says of a call that never got a connection. In other words it counts as sent. */
const unconnected = /^(No connection established|Name resolution failed)/;

function surelyNotDone(error: ServiceError | null): boolean {
  if (error === null) return false;
  if (refusalOf(error) !== null || error.code === status.UNIMPLEMENTED) return true;
  // Trust is decided before anything is read.
  const untrusted = connectionFault(error).code === "E_PEER_UNTRUSTED";
  return untrusted || (error.code === status.UNAVAILABLE && unconnected.test(error.details));
}

/**
 * What a service is to the gRPC server: methods by path, on bytes. The server knows nothing of
 * what is said, the services nothing of HTTP/2.
 */

import type { GrpcFailure } from "./grpc-status.ts";

export interface CallContext {
  /** Aborts when the client has gone or its deadline is over. Made when first asked for. */
  readonly signal: AbortSignal;
  /** A header field the client sent, in lower case; undefined when it did not. */
  metadata(name: string): string | undefined;
}

export type Answer = Uint8Array | GrpcFailure;

/** One message in, one out. Undecodable input may throw: it is answered, and counted, as such. */
export interface UnaryMethod {
  readonly kind: "unary";
  answer(message: Buffer, context: CallContext): Answer | Promise<Answer>;
}

/** The server's half of a stream. After `end` or `fail`, and once the client left, sends vanish. */
export interface StreamCall extends CallContext {
  /** False when the client takes no more for now: wait for `drained` before sending on. */
  send(message: Uint8Array): boolean;
  /** Bytes that wait for the client to take them. */
  readonly waitingBytes: number;
  end(): void;
  fail(failure: GrpcFailure): void;
}

/** The client's half, as it comes. */
export interface StreamListener {
  message(message: Buffer): void;
  /** The client has said all it wanted to say. */
  halfClosed(): void;
  /** What was sent has been taken. */
  drained(): void;
  /** Over, whoever ended it. Called once. */
  closed(): void;
}

export interface StreamMethod {
  readonly kind: "stream";
  open(call: StreamCall): StreamListener;
}

export type Method = UnaryMethod | StreamMethod;

/** By path: `/package.Service/Method`. */
export type Methods = Readonly<Record<string, Method>>;

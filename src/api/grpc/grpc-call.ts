/**
 * One call on one HTTP/2 stream: from its header to its trailers. Knows when a call is over, and
 * that it is over once.
 */

import type { ServerHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import type { GrpcFailure } from "./grpc-status.ts";
import { failureFields, grpcCodes, grpcFailure } from "./grpc-status.ts";
import { framed, MessageAssembler } from "./message-framing.ts";
import type { Answer, Method, StreamCall, StreamListener } from "./method.ts";

type Fields = Readonly<Record<string, string | string[] | undefined>>;

export interface CallObserver {
  nowMs(): number;
  /** `code` is gRPC's number; for a stream the time says nothing. */
  ended(path: string, code: number, startedMs: number, streaming: boolean): void;
  /** A handler that broke: a bug, or bytes that are no such message. */
  threw(path: string, thrown: unknown): void;
}

export interface CallStart {
  readonly path: string;
  readonly method: Method;
  readonly fields: Fields;
  readonly startedMs: number;
  /** When the client stops waiting; Infinity when it never does. */
  readonly deadlineMs: number;
  readonly maxMessageBytes: number;
}

const responseFields = {
  ":status": 200,
  "content-type": "application/grpc",
  "grpc-accept-encoding": "identity",
} as const;
const waitForTrailers = { waitForTrailers: true } as const;
const wellEnded = { "grpc-status": "0" } as const;

/** For `wantTrailers` of an answer that went well: one function, not one for each call. */
function sendOk(this: ServerHttp2Stream): void {
  this.sendTrailers(wellEnded);
}

export class GrpcCall implements StreamCall {
  readonly #stream: ServerHttp2Stream;
  readonly #start: CallStart;
  readonly #observer: CallObserver;
  readonly #assembler: MessageAssembler;
  #listener: StreamListener | null = null;
  #aborting: AbortController | null = null;
  #requestTaken = false;
  #responded = false;
  #over = false;
  #endedMs = Number.POSITIVE_INFINITY;

  constructor(stream: ServerHttp2Stream, start: CallStart, observer: CallObserver) {
    this.#stream = stream;
    this.#start = start;
    this.#observer = observer;
    this.#assembler = new MessageAssembler(start.maxMessageBytes);
  }

  /** Begins to read. */
  open(): void {
    const stream = this.#stream;
    const { method } = this.#start;
    stream.on("data", (chunk: Buffer) => this.#received(chunk));
    stream.on("end", () => this.#halfClosed());
    stream.on("close", () => this.#closed());
    // A broken stream is closed as well, and there is nobody left to tell.
    stream.on("error", () => {});
    if (method.kind === "unary") return;
    stream.on("drain", () => this.#listener?.drained());
    this.#guarded(() => {
      this.#listener = method.open(this);
    });
  }

  get signal(): AbortSignal {
    this.#aborting ??= new AbortController();
    if (this.#over) this.#aborting.abort();
    return this.#aborting.signal;
  }

  metadata(name: string): string | undefined {
    const value = this.#start.fields[name];
    return Array.isArray(value) ? value.join(",") : value;
  }

  get waitingBytes(): number {
    return this.#stream.writableLength;
  }

  send(message: Uint8Array): boolean {
    if (this.#over) return true;
    this.#respond();
    return this.#stream.write(framed(message));
  }

  end(): void {
    if (this.#over) return;
    this.#respond();
    this.#finish(grpcCodes.ok);
    this.#stream.end();
  }

  fail(failure: GrpcFailure): void {
    if (this.#over) return;
    if (this.#stream.destroyed) {
      this.#finish(grpcCodes[failure.code]);
      return;
    }
    const fields = failureFields(failure);
    if (this.#responded) {
      this.#stream.removeListener("wantTrailers", sendOk);
      this.#stream.on("wantTrailers", () => {
        this.#stream.sendTrailers(fields);
        // Once they are out: a reset in the same turn would overtake them.
        setImmediate(() => this.#hangUp());
      });
      this.#stream.end();
    } else {
      this.#responded = true;
      this.#stream.respond({ ...responseFields, ...fields }, { endStream: true });
      this.#hangUp();
    }
    this.#finish(grpcCodes[failure.code]);
  }

  /**
   * Looks at the clock: a deadline that passed, a request that does not arrive, an answer that is
   * not taken. True when the call was cut for the latter two.
   */
  sweep(nowMs: number, limits: { requestMs: number; answerTakenMs: number }): boolean {
    if (this.#over) {
      if (nowMs - this.#endedMs < limits.answerTakenMs) return false;
      this.#stream.close(constants.NGHTTP2_CANCEL);
      return true;
    }
    if (nowMs >= this.#start.deadlineMs) {
      this.fail(grpcFailure("deadlineExceeded", "context deadline exceeded"));
      return false;
    }
    const awaitsRequest = this.#start.method.kind === "unary" && !this.#requestTaken;
    if (!awaitsRequest || nowMs - this.#start.startedMs < limits.requestMs) return false;
    this.fail(grpcFailure("deadlineExceeded", "the request did not arrive in time"));
    return true;
  }

  /** A stream is told to go; a unary call that is under way may still be answered. */
  shutDown(failure: GrpcFailure): void {
    if (this.#start.method.kind === "stream") this.fail(failure);
  }

  #received(chunk: Buffer): void {
    if (this.#over) return;
    const failure = this.#assembler.push(chunk, (message) => this.#take(message));
    if (failure !== null) this.fail(failure);
  }

  #take(message: Buffer): void {
    if (this.#over) return;
    const { method, path } = this.#start;
    if (method.kind === "stream") {
      this.#guarded(() => this.#listener?.message(message));
      return;
    }
    if (this.#requestTaken) {
      this.fail(grpcFailure("internal", `${path} takes one message, and got more`));
      return;
    }
    this.#requestTaken = true;
    this.#guarded(() => {
      const answer = method.answer(message, this);
      if (!(answer instanceof Promise)) this.#answer(answer);
      else {
        answer.then(
          (settled) => this.#answer(settled),
          (thrown: unknown) => this.#threw(thrown),
        );
      }
    });
  }

  #answer(answer: Answer): void {
    if (this.#over) return;
    if (!(answer instanceof Uint8Array)) {
      this.fail(answer);
      return;
    }
    this.#respond();
    this.#finish(grpcCodes.ok);
    this.#stream.end(framed(answer));
  }

  #halfClosed(): void {
    if (this.#over) return;
    if (this.#assembler.isMidway) {
      this.fail(grpcFailure("internal", "the request ended in the middle of a message"));
    } else if (this.#start.method.kind === "stream") {
      this.#guarded(() => this.#listener?.halfClosed());
    } else if (!this.#requestTaken) {
      this.fail(grpcFailure("internal", "the request ended without a message"));
    }
  }

  #respond(): void {
    if (this.#responded) return;
    this.#responded = true;
    this.#stream.respond(responseFields, waitForTrailers);
    this.#stream.on("wantTrailers", sendOk);
  }

  #finish(code: number): void {
    const { path, startedMs, method } = this.#start;
    this.#over = true;
    this.#endedMs = this.#observer.nowMs();
    this.#observer.ended(path, code, startedMs, method.kind === "stream");
    if (code !== grpcCodes.ok) this.#aborting?.abort();
    this.#leave();
  }

  /** All is said: a client that still speaks is not listened to any more (RFC 9113, 8.1). */
  #hangUp(): void {
    if (!this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  #closed(): void {
    if (this.#over) return;
    this.#over = true;
    const { path, startedMs, method } = this.#start;
    this.#observer.ended(path, grpcCodes.cancelled, startedMs, method.kind === "stream");
    this.#aborting?.abort();
    this.#leave();
  }

  #leave(): void {
    const listener = this.#listener;
    this.#listener = null;
    listener?.closed();
  }

  #guarded(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      this.#threw(thrown);
    }
  }

  #threw(thrown: unknown): void {
    this.#observer.threw(this.#start.path, thrown);
    this.fail(grpcFailure("internal", "the request could not be read or carried out"));
  }
}

/**
 * One call of a gRPC service on a connection there is: messages out, messages in at the pace they
 * are taken, and the status at its end, wherever the server puts it.
 */

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import { framed, MessageAssembler } from "../api/grpc/message-framing.ts";
import { type Fault, failed, fault, messageOf, ok, type Result } from "../base/index.ts";

export interface Codec<Request, Reply> {
  readonly path: string;
  readonly requests: { encode(request: Request): { finish(): Uint8Array } };
  readonly replies: { decode(bytes: Uint8Array): Reply };
}

/** A range may be long. */
export const maxMessageBytes = 256 * 1024 * 1024;

/** What begins a call, whatever the service. */
export const callHeaders = (path: string) => ({
  [constants.HTTP2_HEADER_METHOD]: "POST",
  [constants.HTTP2_HEADER_PATH]: path,
  "content-type": "application/grpc",
  te: "trailers",
});

/** Faults: E_CLIENT_REFUSED with the server's words; E_CLIENT_CLOSED when the connection broke. */
export class ClientStream<Request, Reply> {
  readonly #stream: ClientHttp2Stream;
  readonly #codec: Codec<Request, Reply>;
  #refusal: Fault | null = null;
  #ended = false;

  constructor(session: ClientHttp2Session, codec: Codec<Request, Reply>, signal?: AbortSignal) {
    this.#codec = codec;
    const options = signal === undefined ? {} : { signal };
    this.#stream = session.request(callHeaders(codec.path), options);
    const look = (fields: IncomingHttpHeaders) => this.#look(fields);
    this.#stream.on("response", look);
    this.#stream.on("trailers", look);
    // It is told by `replies` too; without this listener it would end the process.
    this.#stream.on("error", (thrown) => this.#note(thrown.message));
  }

  send(request: Request): void {
    this.#stream.write(framed(this.#codec.requests.encode(request).finish()));
  }

  /** There is no more to ask. */
  end(): void {
    this.#stream.end();
  }

  /** To be taken once. A fault is the last; leaving early gives the call up. */
  async *replies(): AsyncGenerator<Result<Reply>> {
    const assembler = new MessageAssembler(maxMessageBytes);
    try {
      for await (const chunk of this.#stream as AsyncIterable<Buffer>) {
        const replies: Reply[] = [];
        const failure = assembler.push(chunk, (message) => {
          replies.push(this.#codec.replies.decode(message));
        });
        for (const reply of replies) yield ok(reply);
        if (failure === null) continue;
        yield failed(fault("E_CLIENT_CLOSED", failure.message));
        return;
      }
      if (!this.#ended) this.#note("the connection was closed");
    } catch (thrown) {
      this.#note(messageOf(thrown));
    } finally {
      this.#stream.close(constants.NGHTTP2_CANCEL);
    }
    if (this.#refusal !== null) yield failed(this.#refusal);
  }

  /** The only reply of a call that has one. */
  async reply(): Promise<Result<Reply>> {
    for await (const reply of this.replies()) return reply;
    return failed(fault("E_CLIENT_CLOSED", "the call ended without an answer"));
  }

  #look(fields: IncomingHttpHeaders): void {
    const code = fields["grpc-status"];
    if (code === undefined) return;
    this.#ended = true;
    if (code === "0") return;
    const words = String(fields["grpc-message"] ?? `gRPC status ${String(code)}`);
    this.#refusal = fault("E_CLIENT_REFUSED", unescaped(words));
  }

  #note(why: string): void {
    if (!this.#ended) this.#refusal ??= fault("E_CLIENT_CLOSED", `the connection is over: ${why}`);
  }
}

/** gRPC sends messages percent-encoded; a wrong escape is left as it is. */
function unescaped(words: string): string {
  try {
    return decodeURIComponent(words);
  } catch {
    return words;
  }
}

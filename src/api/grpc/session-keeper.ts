/**
 * The connections of the gRPC face. Each is asked by a PING, soon after it was made and then every
 * keep-alive interval, whether somebody is there: this ends connections whose host vanished as
 * well as those that never spoke HTTP/2 (an answer takes a finished handshake).
 */

import { constants, type ServerHttp2Session } from "node:http2";
import type { Clock } from "../../base/index.ts";
import type { GrpcMetrics } from "./server-ports.ts";

interface Kept {
  /** When the PING that is under way was sent; null when none is. */
  askedMs: number | null;
  nextPingMs: number;
}

/** A connection has so long to prove itself. */
const firstPingMs = 1_000;

export class SessionKeeper {
  readonly #parts: { readonly metrics: GrpcMetrics; readonly clock: Clock };
  readonly #options: { readonly keepAliveMs: number; readonly timeoutMs: number };
  readonly #sessions = new Map<ServerHttp2Session, Kept>();

  constructor(
    parts: { readonly metrics: GrpcMetrics; readonly clock: Clock },
    options: { readonly keepAliveMs: number; readonly timeoutMs: number },
  ) {
    this.#parts = parts;
    this.#options = options;
  }

  get count(): number {
    return this.#sessions.size;
  }

  add(session: ServerHttp2Session): void {
    const nextPingMs =
      this.#parts.clock.monotonicMs() + Math.min(firstPingMs, this.#options.keepAliveMs);
    this.#sessions.set(session, { askedMs: null, nextPingMs });
    session.on("close", () => this.#sessions.delete(session));
    // Reported by the server's `sessionError`; without a listener it would be thrown.
    session.on("error", () => {});
  }

  beat(nowMs: number): void {
    for (const [session, kept] of this.#sessions) {
      if (kept.askedMs !== null) {
        if (nowMs - kept.askedMs < this.#options.timeoutMs) continue;
        this.#parts.metrics.grpcRejected("no_keep_alive");
        session.destroy(undefined, constants.NGHTTP2_NO_ERROR);
      } else if (nowMs >= kept.nextPingMs && !session.destroyed && !session.closed) {
        this.#ping(session, kept, nowMs);
      }
    }
  }

  /** GOAWAY: no new calls; ends once those under way have. */
  close(): void {
    for (const session of this.#sessions.keys()) session.close();
  }

  destroy(): void {
    for (const session of this.#sessions.keys()) session.destroy();
  }

  #ping(session: ServerHttp2Session, kept: Kept, nowMs: number): void {
    kept.askedMs = nowMs;
    session.ping((failure) => {
      if (failure !== null) return; // The connection is closing: its close event takes it out.
      kept.askedMs = null;
      kept.nextPingMs = this.#parts.clock.monotonicMs() + this.#options.keepAliveMs;
    });
  }
}

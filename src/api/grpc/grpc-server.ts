/**
 * The gRPC face: HTTP/2 by `node:http2`, gRPC's framing by hand, because the whole cost of a call
 * through @grpc/grpc-js is more than that of the durable write behind it. Everything that is
 * bounded or refused below the level of a message is bounded or refused here.
 */

import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import {
  type Clock,
  failed,
  type Health,
  type HealthSource,
  healthy,
  type Logger,
  messageOf,
  ok,
} from "../../base/index.ts";
import { isLoopback } from "../http/loopback.ts";
import { type CallObserver, GrpcCall } from "./grpc-call.ts";
import { failureFields, type GrpcFailure, grpcFailure, timeoutMs } from "./grpc-status.ts";
import { listenFault, notLoopback } from "./listen-fault.ts";
import type { Method, Methods } from "./method.ts";
import type { GrpcListening, GrpcMetrics, GrpcServerOptions } from "./server-ports.ts";
import { SessionKeeper } from "./session-keeper.ts";

const grpcLimits = {
  /** As etcd's server has it. */
  concurrentStreams: 1_024,
  headerListBytes: 16 * 1024,
  headerPairs: 64,
  sessionMemoryMiB: 32,
  /** A unary request must be whole by then. */
  requestMs: 15_000,
  /** An answer must have been taken by then. */
  answerTakenMs: 30_000,
  sweepEveryMs: 250,
  keepAliveMs: 30_000,
  keepAliveTimeoutMs: 20_000,
  stopWithinMs: 1_000,
} as const;

export interface GrpcServerParts {
  readonly methods: Methods;
  readonly metrics: GrpcMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class GrpcServer implements HealthSource {
  readonly component = "grpc";
  readonly #parts: GrpcServerParts;
  readonly #options: GrpcServerOptions;
  readonly #server: Http2Server | Http2SecureServer;
  readonly #sessions: SessionKeeper;
  readonly #calls = new Set<GrpcCall>();
  readonly #observer: CallObserver;
  readonly #services: ReadonlySet<string>;
  readonly #stopping = new AbortController();
  #state: Health = { state: "failed", reason: "not started yet" };

  constructor(parts: GrpcServerParts, options: GrpcServerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#services = new Set(Object.keys(parts.methods).map(serviceOf));
    this.#observer = this.#observing();
    this.#server = this.#createServer();
    this.#sessions = new SessionKeeper(parts, {
      keepAliveMs: options.keepAliveMs ?? grpcLimits.keepAliveMs,
      timeoutMs: options.keepAliveTimeoutMs ?? grpcLimits.keepAliveTimeoutMs,
    });
    this.#server.maxConnections = options.maxConnections;
    this.#server.on("drop", () => parts.metrics.grpcRejected("connection_limit"));
    this.#server.on("session", (session) => this.#sessions.add(session));
    this.#server.on("stream", (stream, headers) => this.#accept(stream, headers));
    // Not HTTP/2, or a broken handshake: there is nobody to answer.
    this.#server.on("sessionError", () => parts.metrics.grpcRejected("malformed"));
    this.#server.on("unknownProtocol", () => parts.metrics.grpcRejected("malformed"));
  }

  health(): Health {
    return this.#state;
  }

  async start(): GrpcListening {
    const { host, port } = this.#options.listen;
    const local = isLoopback(host);
    if (!local && !this.#options.insecure && this.#options.tls === undefined) {
      return failed(notLoopback(host));
    }
    try {
      await this.#listen(host.toLowerCase() === "localhost" ? "127.0.0.1" : host, port);
    } catch (thrown) {
      return failed(listenFault(thrown, `${host}:${port}`));
    }
    void this.#sweep();
    const { address, port: actualPort } = this.#server.address() as AddressInfo;
    this.#state = this.#listening(`${address}:${actualPort}`, local);
    return ok({ host: address, port: actualPort });
  }

  /** GOAWAY to all, a moment for what is under way, then the line is cut. Never throws. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const call of this.#calls) call.shutDown(grpcFailure("unavailable", serverStopped));
    this.#sessions.close();
    const inTime = new AbortController();
    const overdue = this.#parts.clock.sleep(grpcLimits.stopWithinMs, inTime.signal);
    await Promise.race([closed, overdue]);
    inTime.abort();
    this.#sessions.destroy();
    await closed;
    this.#state = { state: "failed", reason: "stopped" };
  }

  #createServer(): Http2Server | Http2SecureServer {
    const limits = {
      settings: {
        maxConcurrentStreams: grpcLimits.concurrentStreams,
        maxHeaderListSize: grpcLimits.headerListBytes,
        initialWindowSize: 1024 * 1024,
        enablePush: false,
      },
      maxHeaderListPairs: grpcLimits.headerPairs,
      maxSessionMemory: grpcLimits.sessionMemoryMiB,
      unknownProtocolTimeout: 1_000,
    };
    const { tls } = this.#options;
    if (tls === undefined) return createServer(limits);
    return createSecureServer({
      ...limits,
      ...tls,
      minVersion: "TLSv1.2",
      requestCert: tls.ca !== undefined,
      rejectUnauthorized: tls.ca !== undefined,
    });
  }

  #listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port }, () => {
        this.#server.removeListener("error", reject);
        resolve();
      });
    });
  }

  #accept(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const path = headers[":path"] ?? "";
    const nowMs = this.#parts.clock.monotonicMs();
    const refusedBy = httpRefusal(headers);
    if (refusedBy !== null) {
      this.#parts.metrics.grpcRejected("not_grpc");
      stream.on("error", () => {});
      stream.respond({ ":status": refusedBy }, { endStream: true });
      return;
    }
    const admitted = this.#admit(path, headers);
    if (!("method" in admitted)) {
      this.#parts.metrics.grpcRejected("not_served");
      stream.on("error", () => {});
      stream.resume();
      stream.respond({ ...refusalFields, ...failureFields(admitted) }, { endStream: true });
      return;
    }
    const call = new GrpcCall(
      stream,
      {
        path,
        method: admitted.method,
        fields: headers,
        startedMs: nowMs,
        deadlineMs: nowMs + admitted.timeoutMs,
        maxMessageBytes: this.#options.maxMessageBytes,
      },
      this.#observer,
    );
    this.#calls.add(call);
    stream.on("close", () => this.#calls.delete(call));
    call.open();
  }

  #admit(
    path: string,
    headers: IncomingHttpHeaders,
  ): { method: Method; timeoutMs: number } | GrpcFailure {
    const method = Object.hasOwn(this.#parts.methods, path) ? this.#parts.methods[path] : undefined;
    if (method === undefined) return this.#unknown(path);
    const encoding = headers["grpc-encoding"];
    if (encoding !== undefined && encoding !== "identity") {
      return grpcFailure(
        "unimplemented",
        `grpc: Decompressor is not installed for grpc-encoding "${String(encoding)}"`,
      );
    }
    const timeout = headers["grpc-timeout"];
    if (timeout === undefined) return { method, timeoutMs: Number.POSITIVE_INFINITY };
    const parsed = timeoutMs(String(timeout));
    if (parsed === null)
      return grpcFailure("internal", `malformed grpc-timeout: ${String(timeout)}`);
    return { method, timeoutMs: parsed };
  }

  #unknown(path: string): GrpcFailure {
    if (path.lastIndexOf("/") < 1) {
      return grpcFailure("unimplemented", `malformed method name: "${path}"`);
    }
    const service = serviceOf(path);
    const method = path.slice(service.length + 2);
    return this.#services.has(service)
      ? grpcFailure("unimplemented", `unknown method ${method} for service ${service}`)
      : grpcFailure("unimplemented", `unknown service ${service}`);
  }

  #observing(): CallObserver {
    const { clock, metrics, logger } = this.#parts;
    return {
      nowMs: () => clock.monotonicMs(),
      ended(path, code, startedMs, streaming) {
        const durationMs = streaming ? null : clock.monotonicMs() - startedMs;
        metrics.grpcEnded({ path, code, durationMs });
      },
      threw(path, thrown) {
        metrics.grpcRejected("unreadable");
        logger.debug("a gRPC request failed unexpectedly", { path, error: messageOf(thrown) });
      },
    };
  }

  async #sweep(): Promise<void> {
    const { clock, metrics } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const nowMs = clock.monotonicMs();
      for (const call of this.#calls) {
        if (call.sweep(nowMs, grpcLimits)) metrics.grpcRejected("stalled");
      }
      this.#sessions.beat(nowMs);
      metrics.grpcOpen({ connections: this.#sessions.count, calls: this.#calls.size });
      await clock.sleep(grpcLimits.sweepEveryMs, signal);
    }
  }

  #listening(address: string, local: boolean): Health {
    if (local || this.#options.tls !== undefined) return healthy(`listening on ${address}`);
    this.#parts.logger.warn("anyone who reaches this node can read and write its keys", {
      code: "E_LISTEN_NOT_LOOPBACK",
      address,
    });
    return {
      state: "degraded",
      reason: `listening on ${address} without authentication (grpc.insecure)`,
      remedy: "listen on loopback, or configure TLS with client certificates",
    };
  }
}

const serverStopped = "etcdserver: server stopped";

const refusalFields = {
  ":status": 200,
  "content-type": "application/grpc",
  "grpc-accept-encoding": "identity",
} as const;

function serviceOf(path: string): string {
  return path.slice(1, path.lastIndexOf("/"));
}

/** What is no gRPC at all is answered in HTTP's words. */
function httpRefusal(headers: IncomingHttpHeaders): number | null {
  if (headers[":method"] !== "POST") return constants.HTTP_STATUS_METHOD_NOT_ALLOWED;
  const type = headers["content-type"];
  const isGrpc =
    type === "application/grpc" ||
    type?.startsWith("application/grpc+proto") === true ||
    type?.startsWith("application/grpc;") === true;
  return isGrpc ? null : constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE;
}

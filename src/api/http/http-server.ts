/**
 * Puts the HTTP face together and gives it its life cycle. Everything that is refused, and
 * every limit, is set up here or one file away; the routes only answer.
 */

import type { AddressInfo } from "node:net";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { type FastifyError, fastify } from "fastify";
import {
  type Fault,
  failed,
  fault,
  type Health,
  healthy,
  messageOf,
  ok,
} from "../../base/index.ts";
import type { App } from "./app.ts";
import { serveCluster } from "./cluster-routes.ts";
import {
  connectionLimits,
  limitConnections,
  limitPipelining,
  nodeServerOptions,
  refuseConnection,
} from "./connection-limits.ts";
import { answerError, answerErrors } from "./error-handling.ts";
import { EventHub } from "./event-hub.ts";
import { eventsPath, serveEvents } from "./event-route.ts";
import { HealthBoard } from "./health-board.ts";
import { serveHealth } from "./health-routes.ts";
import { kvWatchPath, serveKv } from "./kv-routes.ts";
import { KvWatchStreams } from "./kv-watch-streams.ts";
import { serveLoop } from "./loop-routes.ts";
import { isLoopback } from "./loopback.ts";
import { serveMesh } from "./mesh-routes.ts";
import { openApiDocument } from "./openapi.ts";
import type { HttpServer, HttpServerOptions, HttpServerParts, ListenFaultCode } from "./ports.ts";
import { guardRequests } from "./request-guard.ts";
import { namedSchemas } from "./schemas/index.ts";
import { serveService } from "./service-routes.ts";

/** Routes whose answers do not end: how long they take says nothing. */
const streams: ReadonlySet<string> = new Set([eventsPath, kvWatchPath]);
const stopWithinMs = 1_000;
const watchHealthEveryMs = 1_000;

export function createHttpServer(parts: HttpServerParts, options: HttpServerOptions): HttpServer {
  return new FastifyHttpServer(parts, options);
}

class FastifyHttpServer implements HttpServer {
  readonly component = "http";
  readonly #parts: HttpServerParts;
  readonly #options: HttpServerOptions;
  readonly #hub: EventHub;
  readonly #watches: KvWatchStreams;
  readonly #board: HealthBoard;
  readonly #stopping = new AbortController();
  readonly #loopbackOnly: boolean;
  readonly #openApi: () => Promise<string>;
  #app: App | null = null;
  #startedMs = 0;
  #state: Health = { state: "failed", reason: "not started yet" };

  constructor(parts: HttpServerParts, options: HttpServerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#loopbackOnly = isLoopback(options.listen.host);
    this.#hub = new EventHub(parts);
    const { version } = options;
    this.#openApi = openApiDocument({ serve: (app) => this.#serve(app), version });
    this.#watches = new KvWatchStreams(parts);
    this.#board = new HealthBoard({
      clock: parts.clock,
      sources: () => [...parts.health(), this],
      onState: (component, state) => parts.metrics.componentState(component, state),
    });
  }

  health(): Health {
    return this.#state;
  }

  async start(): ReturnType<HttpServer["start"]> {
    const { host, port } = this.#options.listen;
    if (!this.#loopbackOnly && !this.#options.insecure) {
      return failed(notLoopback(host));
    }
    this.#startedMs = this.#parts.clock.monotonicMs();
    const app = await this.#build();
    this.#app = app;
    try {
      // For the name, fastify would open a second server that has none of our limits.
      await app.listen({ host: host.toLowerCase() === "localhost" ? "127.0.0.1" : host, port });
    } catch (thrown) {
      await app.close();
      return failed(listenFault(thrown, `${host}:${port}`));
    }
    this.#hub.start();
    void this.#watchHealth();
    const { address, port: actualPort } = app.server.address() as AddressInfo;
    this.#state = this.#listening(`${address}:${actualPort}`);
    return ok({ host: address, port: actualPort });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#hub.stop();
    this.#watches.stop();
    const app = this.#app;
    if (app === null) return;
    const { logger, clock } = this.#parts;
    const closed = app.close().then(
      () => {},
      (thrown: unknown) => logger.warn("the HTTP server did not close cleanly", { error: thrown }),
    );
    const inTime = new AbortController();
    const overdue = clock.sleep(stopWithinMs, inTime.signal);
    await Promise.race([closed, overdue]);
    inTime.abort();
    app.server.closeAllConnections();
    await closed;
  }

  async #build(): Promise<App> {
    const { metrics, logger } = this.#parts;
    const app: App = fastify({
      bodyLimit: this.#options.maxBodyBytes,
      ajv: { customOptions: { removeAdditional: false, allErrors: true } },
      http: nodeServerOptions,
      requestTimeout: connectionLimits.requestTimeoutMs,
      connectionTimeout: connectionLimits.stalledMs,
      keepAliveTimeout: connectionLimits.keepAliveMs,
      maxRequestsPerSocket: connectionLimits.requestsPerConnection,
      forceCloseConnections: "idle",
      // While stopping, what is on its way is answered as always; fastify's own 503 is no problem
      // document.
      return503OnClosing: false,
      clientErrorHandler: (failure, socket) => refuseConnection(metrics, failure, socket),
      frameworkErrors: (error: FastifyError, request, reply) =>
        void answerError(this.#parts, error, request, reply),
    }).withTypeProvider<TypeBoxTypeProvider>();
    app.setSerializerCompiler(() => JSON.stringify);
    app.removeContentTypeParser("text/plain");
    limitConnections(app.server, metrics, this.#options.maxConnections);
    this.#measure(app);
    limitPipelining(app, metrics);
    guardRequests(app, metrics, { loopbackOnly: this.#loopbackOnly });
    answerErrors(app, { logger, metrics });
    for (const schema of namedSchemas) app.addSchema(schema);
    this.#serve(app);
    await app.ready();
    return app;
  }

  #serve(app: App): void {
    const { metrics, logger, loop, mesh, peers, cluster, kv, clock } = this.#parts;
    const board = this.#board;
    serveService(app, { metrics, board, openApi: this.#openApi }, this.#options);
    serveHealth(app, { loop, board, clock, startedMs: () => this.#startedMs }, this.#options);
    serveLoop(app, { loop, logger });
    serveMesh(app, { mesh, peers, logger });
    serveCluster(app, { cluster, logger });
    serveKv(app, { kv, streams: this.#watches, metrics, logger });
    serveEvents(app, this.#hub, metrics);
  }

  #measure(app: App): void {
    app.addHook("onResponse", async (request, reply) => {
      const route = request.routeOptions.url ?? "unmatched";
      this.#parts.metrics.httpAnswered({
        method: request.method,
        route,
        status: reply.raw.statusCode,
        durationMs: streams.has(route) ? null : reply.elapsedTime,
      });
    });
  }

  #listening(address: string): Health {
    if (this.#loopbackOnly) return healthy(`listening on ${address}`);
    this.#parts.logger.warn("anyone who reaches this node can read it and answer its decisions", {
      code: "E_LISTEN_NOT_LOOPBACK",
      address,
    });
    return {
      state: "degraded",
      reason: `listening on ${address} without authentication (http.insecure)`,
      remedy: "listen on loopback behind a reverse proxy with authentication",
    };
  }

  /** So that a state that nobody asks for is still dated within a second, and measured. */
  async #watchHealth(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#board.report();
      await this.#parts.clock.sleep(watchHealthEveryMs, signal);
    }
  }
}

function notLoopback(host: string): Fault<ListenFaultCode> {
  return fault(
    "E_LISTEN_NOT_LOOPBACK",
    `refused to listen on ${host}: without authentication the server is for this host alone`,
    "tokens and mTLS come in a later version; until then listen on 127.0.0.1 and put a reverse " +
      "proxy with authentication on this host, for /health and /metrics too (or, at your own " +
      "risk, set http.insecure)",
  );
}

function listenFault(thrown: unknown, address: string): Fault<ListenFaultCode> {
  switch ((thrown as NodeJS.ErrnoException).code) {
    case "EADDRINUSE":
      return fault(
        "E_ADDRESS_IN_USE",
        `${address} is in use by another program`,
        "stop that program, or choose another address with --http HOST:PORT",
      );
    case "EADDRNOTAVAIL":
      return fault(
        "E_ADDRESS_NOT_AVAILABLE",
        `this host has no address ${address}`,
        "choose another address with --http HOST:PORT",
      );
    case "EACCES":
      return fault(
        "E_ADDRESS_NOT_PERMITTED",
        `not allowed to listen on ${address}`,
        "choose a port from 1024 on with --http HOST:PORT, or grant CAP_NET_BIND_SERVICE",
      );
    default:
      return fault("E_LISTEN_FAILED", `cannot listen on ${address}: ${messageOf(thrown)}`);
  }
}

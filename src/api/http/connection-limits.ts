/**
 * Limits below the level of a request: on connections, headers and time. Node counts a
 * connection's header and body time only every `connectionsCheckingInterval`; at its default of
 * 30 s a slow-loris client would live ten times longer than allowed.
 */

import type { Server, ServerOptions } from "node:http";
import type { Socket } from "node:net";
import type { App } from "./app.ts";
import type { ProblemCode } from "./error-table.ts";
import type { MetricsPort, RejectionReason } from "./ports.ts";
import { rawProblem } from "./problem.ts";

export const connectionLimits = {
  headerBytes: 16 * 1024,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 15_000,
  keepAliveMs: 30_000,
  requestsPerConnection: 1_000,
  /** Requests a connection may send ahead of the answers it has taken. */
  pipelinedRequests: 8,
  /** A client that takes nothing of its answer for so long is gone. More than an event heartbeat. */
  stalledMs: 30_000,
  checkEveryMs: 1_000,
  /** How long a refused client has to take its answer. */
  partingMs: 1_000,
} as const;

export const nodeServerOptions: ServerOptions = {
  maxHeaderSize: connectionLimits.headerBytes,
  headersTimeout: connectionLimits.headersTimeoutMs,
  connectionsCheckingInterval: connectionLimits.checkEveryMs,
  // We answer a missing Host ourselves, with a problem document.
  requireHostHeader: false,
};

export function limitConnections(
  server: Server,
  metrics: Pick<MetricsPort, "httpRejected">,
  maxConnections: number,
): void {
  server.maxConnections = maxConnections;
  server.on("drop", () => metrics.httpRejected("connection_limit"));
  server.on("dropRequest", (_request, socket) => {
    metrics.httpRejected("requests_per_connection");
    // Node has said `Connection: close`, but leaves the closing to the client.
    closeSoon(socket);
  });
  server.on("timeout", (socket: Socket) => {
    // It comes for a connection that merely rested between two requests as well.
    if (answerBegun(socket)) metrics.httpRejected("timeout");
    socket.destroy();
  });
  server.on("checkExpectation", (_request, response) => {
    metrics.httpRejected("expectation");
    part(response.socket, "E_EXPECTATION");
  });
}

/**
 * Node answers every pipelined request at once and holds the answers until the client takes them: 256
 * connections that only sent had it hold 2 GB. A client that is cut may ask again on a new connection
 * (RFC 9112 9.3.2).
 */
export function limitPipelining(app: App, metrics: Pick<MetricsPort, "httpRejected">): void {
  const unanswered = new WeakMap<Socket, number>();
  app.addHook("onRequest", async (request, reply) => {
    const { socket } = request.raw;
    const ahead = unanswered.get(socket) ?? 0;
    if (ahead < connectionLimits.pipelinedRequests) {
      unanswered.set(socket, ahead + 1);
      reply.raw.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
      return;
    }
    reply.hijack();
    if (socket.destroyed) return;
    metrics.httpRejected("pipeline_limit");
    socket.destroy();
  });
}

interface ParseFailure extends Error {
  readonly code?: string;
}

const parseFailures: Readonly<Record<string, readonly [ProblemCode, RejectionReason]>> = {
  HPE_HEADER_OVERFLOW: ["E_HEADER_TOO_LARGE", "header_too_large"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ["E_BODY_TOO_LARGE", "body_too_large"],
  ERR_HTTP_REQUEST_TIMEOUT: ["E_REQUEST_TIMEOUT", "timeout"],
};

/** Answers a connection on which no request could be read, and closes it. */
export function refuseConnection(
  metrics: Pick<MetricsPort, "httpRejected">,
  failure: ParseFailure,
  socket: Socket,
): void {
  if (failure.code === "ECONNRESET" || socket.destroyed || socket.writableEnded) return;
  const [code, reason] = parseFailures[failure.code ?? ""] ?? ["E_MALFORMED_REQUEST", "malformed"];
  metrics.httpRejected(reason);
  part(socket, code);
}

/**
 * Says why and closes. Not destroyed at once: with bytes of the client unread, the reset would
 * overtake the answer.
 */
function part(socket: Socket | null, code: ProblemCode): void {
  if (socket === null) return;
  if (socket.writable && !answerBegun(socket)) socket.end(rawProblem(code));
  else socket.destroy();
  closeSoon(socket);
}

function closeSoon(socket: { destroy(): unknown }): void {
  setTimeout(() => socket.destroy(), connectionLimits.partingMs).unref();
}

/** Bytes of ours in the middle of another answer would be read as part of it. */
function answerBegun(socket: Socket): boolean {
  // As node:http does it in its own clientError path: there is no public way to ask.
  const { _httpMessage: current } = socket as Socket & { _httpMessage?: { headersSent: boolean } };
  return current?.headersSent === true;
}

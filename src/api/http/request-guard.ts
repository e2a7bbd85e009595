/**
 * What is refused before any route sees it: addresses that are too long, foreign hosts (DNS
 * rebinding), foreign origins and form posts (cross-site request forgery). A server without
 * authentication is only as closed as this.
 */

import type { FastifyReply, FastifyRequest } from "fastify";
import type { App } from "./app.ts";
import type { ProblemCode } from "./error-table.ts";
import { isLoopbackAuthority, isLoopbackOrigin } from "./loopback.ts";
import type { MetricsPort, RejectionReason } from "./ports.ts";
import { refuse } from "./problem.ts";

const maxUrlBytes = 8 * 1024;

const safeMethods = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

export interface RequestGuardOptions {
  /** On loopback the Host must be loopback too; elsewhere we cannot know our names. */
  readonly loopbackOnly: boolean;
}

export function guardRequests(
  app: App,
  metrics: Pick<MetricsPort, "httpRejected">,
  options: RequestGuardOptions,
): void {
  app.addHook("onRequest", async (request, reply) => {
    const found = objection(request, options);
    if (found === null) return;
    metrics.httpRejected(found.reason);
    return refuse(request, reply, found.code);
  });
  app.addHook("onSend", async (_request, reply: FastifyReply, payload) => {
    reply.header("cache-control", "no-store");
    reply.header("x-content-type-options", "nosniff");
    return payload;
  });
}

interface Objection {
  readonly code: ProblemCode;
  readonly reason: RejectionReason;
}

function objection(
  request: FastifyRequest,
  { loopbackOnly }: RequestGuardOptions,
): Objection | null {
  const { raw, headers, method } = request;
  if ((raw.url ?? "").length > maxUrlBytes) {
    return { code: "E_URI_TOO_LONG", reason: "uri_too_long" };
  }
  const host = headers.host;
  if (host === undefined || countHosts(raw.rawHeaders) !== 1) {
    return { code: "E_HOST_MISSING", reason: "malformed" };
  }
  if (loopbackOnly && !isLoopbackAuthority(host)) {
    return { code: "E_HOST_NOT_ALLOWED", reason: "host_not_allowed" };
  }
  if (safeMethods.has(method)) return null;
  const origin = headers.origin;
  const ours = (from: string) =>
    loopbackOnly ? isLoopbackOrigin(from) : /^https?:\/\/(.+)$/i.exec(from)?.[1] === host;
  if (origin !== undefined && !ours(origin)) {
    return { code: "E_ORIGIN_NOT_ALLOWED", reason: "origin_not_allowed" };
  }
  // Where no route is, there is nothing to change, and 404 or 405 tells more.
  if (request.is404) return null;
  // A page can post a form or plain text anywhere without asking; JSON it cannot.
  const mediaType = headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") return { code: "E_MEDIA_TYPE", reason: "media_type" };
  return null;
}

/** Node keeps the first of several Host lines; RFC 9112 3.2 wants the request refused. */
function countHosts(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === "host") hosts++;
  }
  return hosts;
}

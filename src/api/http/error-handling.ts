/**
 * Turns whatever goes wrong inside fastify into problem documents. What nobody foresaw is a 500
 * that tells the client nothing and the log everything.
 */

import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { Fault, Logger } from "../../base/index.ts";
import type { App } from "./app.ts";
import { isProblemCode, type ProblemCode } from "./error-table.ts";
import type { MetricsPort, RejectionReason } from "./ports.ts";
import { type FieldError, instanceOf, refuse } from "./problem.ts";

interface Parts {
  readonly logger: Logger;
  readonly metrics: Pick<MetricsPort, "httpRejected">;
}

/** What fastify's own errors are called here. */
const frameworkErrors: Readonly<Record<string, readonly [ProblemCode, RejectionReason]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ["E_BODY_TOO_LARGE", "body_too_large"],
  FST_ERR_CTP_EMPTY_JSON_BODY: ["E_MALFORMED_JSON", "malformed"],
  FST_ERR_CTP_INVALID_JSON_BODY: ["E_MALFORMED_JSON", "malformed"],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ["E_MALFORMED_REQUEST", "malformed"],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ["E_MEDIA_TYPE", "media_type"],
  FST_ERR_BAD_URL: ["E_MALFORMED_REQUEST", "malformed"],
  FST_ERR_MAX_PARAM_LENGTH: ["E_URI_TOO_LONG", "uri_too_long"],
  // The client went away while it sent its body; nobody will read the answer.
  ECONNRESET: ["E_MALFORMED_REQUEST", "malformed"],
};

export function answerErrors(app: App, parts: Parts): void {
  app.setErrorHandler<FastifyError>((error, request, reply) =>
    answerError(parts, error, request, reply),
  );
  const known = knownRoutes(app);
  app.setNotFoundHandler((request, reply) => {
    const allowed = known(instanceOf(request.url));
    if (allowed.length === 0) return refuse(request, reply, "E_NOT_FOUND");
    reply.header("allow", allowed.join(", "));
    return refuse(request, reply, "E_METHOD_NOT_ALLOWED");
  });
}

export function answerError(
  { logger, metrics }: Parts,
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error.validation !== undefined) {
    const errors = fieldErrors(error);
    return refuse(request, reply, "E_INVALID_REQUEST", { errors });
  }
  const known = frameworkErrors[error.code];
  if (known !== undefined) {
    metrics.httpRejected(known[1]);
    return refuse(request, reply, known[0]);
  }
  logger.error("a request failed on a fault nobody foresaw", {
    code: "E_INTERNAL",
    method: request.method,
    path: instanceOf(request.url),
    error,
  });
  return refuse(request, reply, "E_INTERNAL");
}

/** Answers with the fault of a port, when it is one the table knows; else it is ours to log. */
export function refuseWithFault(
  logger: Logger,
  request: FastifyRequest,
  reply: FastifyReply,
  fault: Fault,
): FastifyReply {
  if (isProblemCode(fault.code)) {
    return refuse(request, reply, fault.code, { detail: fault.message });
  }
  const path = instanceOf(request.url);
  logger.error("a request met a fault that has no answer", { ...fault, path });
  return refuse(request, reply, "E_INTERNAL");
}

const contexts: Readonly<Record<string, string>> = { querystring: "query", headers: "header" };

function fieldErrors(error: FastifyError): FieldError[] {
  const context = error.validationContext ?? "request";
  const root = contexts[context] ?? context;
  return (error.validation ?? []).slice(0, 20).map(({ instancePath, message, params }) => {
    const unknown = params["additionalProperty"];
    const expected =
      typeof unknown === "string"
        ? `no field of the name ${unknown.slice(0, 200)}`
        : (message ?? "another value");
    return { path: root + instancePath.replaceAll("/", "."), expected };
  });
}

/** The methods served under a path, learned from the routes as they are declared. */
function knownRoutes(app: App): (path: string) => string[] {
  const methodsByPattern = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ url, method }) => {
    const methods = methodsByPattern.get(url) ?? new Set<string>();
    for (const each of [method].flat()) methods.add(each);
    methodsByPattern.set(url, methods);
  });
  return (path) => {
    for (const [pattern, methods] of methodsByPattern) {
      const parts = pattern.split("/").map((part) => (part.startsWith(":") ? "[^/]+" : part));
      if (new RegExp(`^${parts.join("/")}$`).test(path)) return [...methods].sort();
    }
    return [];
  };
}

/** RFC 9457 problem documents: the only form in which this server says no. */

import type { FastifyReply, FastifyRequest } from "fastify";
import { errorTable, type ProblemCode } from "./error-table.ts";

export const problemType = "application/problem+json";

export interface FieldError {
  /** `query.limit`, `body.approve` */
  readonly path: string;
  readonly expected: string;
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly instance: string;
  readonly errors?: readonly FieldError[];
}

export function problem(
  code: ProblemCode,
  instance: string,
  detail?: string,
  errors?: readonly FieldError[],
): Problem {
  const { status, title, meaning } = errorTable[code];
  return {
    type: `urn:meshmend:error:${code}`,
    title,
    status,
    detail: detail ?? meaning,
    code,
    instance,
    ...(errors !== undefined && { errors }),
  };
}

/** The path alone: a query may hold what does not belong into an answer or a log. */
export function instanceOf(url: string): string {
  const query = url.indexOf("?");
  return (query < 0 ? url : url.slice(0, query)).slice(0, 256);
}

export function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  code: ProblemCode,
  more: { readonly detail?: string; readonly errors?: readonly FieldError[] } = {},
): FastifyReply {
  const document = problem(code, instanceOf(request.url), more.detail, more.errors);
  return reply.code(document.status).type(problemType).send(JSON.stringify(document));
}

/** The whole answer as bytes, for a connection on which no request could be read. */
export function rawProblem(code: ProblemCode): string {
  const document = problem(code, "about:blank");
  const body = JSON.stringify(document);
  return [
    `HTTP/1.1 ${document.status} ${document.title}`,
    `Content-Type: ${problemType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store",
    "Connection: close",
    "",
    body,
  ].join("\r\n");
}

/** The type of the fastify instance the routes hang on, and how a typed answer is sent. */

import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { Static, TSchema } from "typebox";
import { errorTable, type ProblemCode } from "./error-table.ts";
import type { Shown } from "./ports.ts";
import { problemType } from "./problem.ts";
import { refer } from "./schemas/building-blocks.ts";
import { problemSchema } from "./schemas/index.ts";

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression<RawServerDefault>,
  RawReplyDefaultExpression<RawServerDefault>,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/**
 * Sends a value of the schema's type. Plain JSON.stringify: it turns the NaN of a missing sample
 * into null, and drops nothing silently; the tests hold every answer against its schema.
 */
export function answer<Schema extends TSchema>(
  reply: FastifyReply,
  _schema: Schema,
  value: Shown<Static<Schema>>,
  status = 200,
): FastifyReply {
  return reply.code(status).type("application/json").send(JSON.stringify(value));
}

/** The part of a response map for the given schema; `refer`red, so the OpenAPI says it once. */
export function json(schema: TSchema & { readonly $id?: string }, description: string) {
  return { description, content: { "application/json": { schema: refer(schema) } } };
}

/** The same for an answer whose inside is not described here. */
export function opaque(mediaType: string, type: "object" | "string", description: string): unknown {
  return { description, content: { [mediaType]: { schema: { type } } } };
}

/** Problems every route can answer with. */
const everywhere: readonly ProblemCode[] = [
  "E_MALFORMED_REQUEST",
  "E_HOST_MISSING",
  "E_METHOD_NOT_ALLOWED",
  "E_REQUEST_TIMEOUT",
  "E_URI_TOO_LONG",
  "E_HOST_NOT_ALLOWED",
  "E_HEADER_TOO_LARGE",
  "E_INTERNAL",
];

/** The part of a response map for these problems, grouped by status. */
export function problems(...codes: readonly ProblemCode[]): Record<number, unknown> {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of [...everywhere, ...codes]) {
    const { status } = errorTable[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, these]) => [
      status,
      {
        description: these.map((code) => `\`${code}\`: ${errorTable[code].meaning}`).join(" "),
        content: { [problemType]: { schema: refer(problemSchema) } },
      },
    ]),
  );
}

/** The agreed map over HTTP, for programs without a client of etcd's API. */

import type { FastifyReply, FastifyRequest } from "fastify";
import { type Fault, failed, fault, type Logger, ok, type Result } from "../../base/index.ts";
import { Type } from "../../json-schema/type.ts";
import type { KeyValue, StorePort } from "../store-port.ts";
import { type App, answer, json, opaque, problems } from "./app.ts";
import { refuseWithFault } from "./error-handling.ts";
import { jsonKeyValue, keyOf, prefixRange } from "./kv-json.ts";
import type { KvWatchStreams } from "./kv-watch-streams.ts";
import type { KvPort, MetricsPort } from "./ports.ts";
import { refuse } from "./problem.ts";
import { closed } from "./schemas/building-blocks.ts";
import {
  keyChangedSchema,
  keyDeletionSchema,
  keyPutSchema,
  keyRangeSchema,
} from "./schemas/index.ts";

export interface KvRouteParts {
  readonly kv: KvPort;
  readonly streams: KvWatchStreams;
  readonly metrics: Pick<MetricsPort, "httpRejected">;
  readonly logger: Logger;
}

const kvPath = "/api/v1/kv";
export const kvWatchPath = `${kvPath}/watch`;
const tags = ["kv"];
const maxLimit = 10_000;

const storeProblems = [
  "E_INVALID_REQUEST",
  "E_NO_LEADER",
  "E_OVERLOADED",
  "E_OUTCOME_UNKNOWN",
  "E_GROUP_UNAVAILABLE",
  "E_NODE_STOPPING",
] as const;
const writeProblems = [
  ...storeProblems,
  "E_MALFORMED_JSON",
  "E_ORIGIN_NOT_ALLOWED",
  "E_BODY_TOO_LARGE",
  "E_MEDIA_TYPE",
  "E_STORE_FULL",
  "E_DISK_FULL",
] as const;

const whichKeys = {
  key: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 })),
  prefix: Type.Optional(Type.String({ maxLength: 4_096, description: "Empty: all keys." })),
};

/** Faults of the store in the codes of this face; what is not here has the same. */
const codes: Readonly<Record<string, string>> = {
  E_NO_SPACE: "E_STORE_FULL",
  E_NOT_STARTED: "E_GROUP_UNAVAILABLE",
  E_READ_TIMEOUT: "E_NO_LEADER",
  E_NOT_LEADER: "E_NO_LEADER",
  E_LEADERSHIP_LOST: "E_OUTCOME_UNKNOWN",
  E_PEER_TIMEOUT: "E_OUTCOME_UNKNOWN",
  E_PEER_UNREACHABLE: "E_OUTCOME_UNKNOWN",
  E_PEER_MALFORMED: "E_OUTCOME_UNKNOWN",
  E_REQUEST_TOO_LARGE: "E_BODY_TOO_LARGE",
  E_REMOVED: "E_GROUP_UNAVAILABLE",
};
const inOurCodes = (given: Fault): Fault => ({
  ...given,
  code: codes[given.code] ?? given.code,
});

export function serveKv(app: App, parts: KvRouteParts): void {
  serveReading(app, parts);
  serveWriting(app, parts);
  serveWatching(app, parts);
}

function serveReading(app: App, { kv, logger }: KvRouteParts): void {
  app.get(
    kvPath,
    {
      schema: {
        summary: "A key, or all with a prefix, in order",
        tags,
        querystring: closed({
          ...whichKeys,
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: maxLimit, default: 1_000 })),
          revision: Type.Optional(
            Type.Integer({ minimum: 1, description: "As it was then; else now." }),
          ),
          stale: Type.Optional(
            Type.Boolean({ description: "From this node's memory, without asking the others." }),
          ),
        }),
        response: {
          ...problems(...storeProblems, "E_NO_SUCH_KEY", "E_COMPACTED", "E_FUTURE_REVISION"),
          200: json(keyRangeSchema, "An empty range is an answer; a key that is missing is not."),
        },
      },
    },
    async (request, reply) => {
      const { limit = 1_000, revision = 0, stale = false } = request.query;
      const range = rangeOf(request.query);
      if (range === null) return refuse(request, reply, "E_INVALID_REQUEST", oneOfBoth);
      const found = await kv.range({ ...allOf, ...range, limit, revision }, stale);
      if (!found.ok) return refuseWithFault(logger, request, reply, inOurCodes(found.fault));
      const { keyValues, count, more, revision: at } = found.value;
      if (count === 0 && request.query.key !== undefined) {
        return refuse(request, reply, "E_NO_SUCH_KEY");
      }
      const shown = keyValues.map(jsonKeyValue);
      return answer(reply, keyRangeSchema, { revision: at, count, more, keyValues: shown });
    },
  );
}

function serveWriting(app: App, { kv, logger }: KvRouteParts): void {
  const tell = (
    request: FastifyRequest,
    reply: FastifyReply,
    done: Result<{ readonly revision: number; readonly deleted?: number }>,
  ) => {
    if (!done.ok) return refuseWithFault(logger, request, reply, inOurCodes(done.fault));
    const { revision, deleted } = done.value;
    return answer(reply, keyChangedSchema, {
      revision,
      ...(deleted !== undefined && { deleted }),
    });
  };
  const done = json(keyChangedSchema, "It is agreed on.");
  app.put(
    kvPath,
    {
      schema: {
        summary: "Writes a key, if its revision is as expected",
        tags,
        body: keyPutSchema,
        response: {
          ...problems(...writeProblems, "E_REVISION_MISMATCH", "E_LEASE_NOT_FOUND"),
          200: done,
        },
      },
    },
    async (request, reply) => {
      const { key, value, valueBase64, lease, ifRevision } = request.body;
      if ((value === undefined) === (valueBase64 === undefined)) {
        const detail = "give either value or valueBase64";
        return refuse(request, reply, "E_INVALID_REQUEST", { detail });
      }
      const bytes =
        valueBase64 === undefined
          ? Buffer.from(value ?? "", "utf8")
          : Buffer.from(valueBase64, "base64");
      const put = {
        kind: "put",
        key: keyOf(key),
        value: new Uint8Array(bytes),
        lease: lease === undefined ? 0n : BigInt.asIntN(64, BigInt(`0x${lease}`)),
        prevKv: false,
        ignoreValue: false,
        ignoreLease: false,
      } as const;
      const written =
        ifRevision === undefined ? await kv.put(put) : await putIf(kv, put, ifRevision);
      return tell(request, reply, written);
    },
  );
  app.delete(
    kvPath,
    {
      schema: {
        summary: "Deletes a key, or all with a prefix",
        tags,
        body: keyDeletionSchema,
        response: { ...problems(...writeProblems), 200: done },
      },
    },
    async (request, reply) => {
      const range = rangeOf(request.body);
      if (range === null) return refuse(request, reply, "E_INVALID_REQUEST", oneOfBoth);
      const gone = await kv.deleteRange({ kind: "delete-range", ...range, prevKv: false });
      return tell(request, reply, gone);
    },
  );
}

async function putIf(
  kv: KvPort,
  put: Parameters<StorePort["put"]>[0],
  ifRevision: number,
): Promise<Result<{ readonly revision: number }, Fault>> {
  const { key } = put;
  const tried = await kv.transaction({
    kind: "transaction",
    compare: [{ key, rangeEnd: "", result: "equal", target: "mod", operand: ifRevision }],
    success: [put],
    failure: [{ ...allOf, key, rangeEnd: "", limit: 1, revision: 0, keysOnly: true }],
  });
  if (!tried.ok) return tried;
  const { succeeded, replies, revision } = tried.value;
  if (succeeded) return ok({ revision });
  const [found] = replies;
  const seen = found?.kind === "range" ? found.keyValues[0] : undefined;
  return failed(fault("E_REVISION_MISMATCH", mismatch(seen, ifRevision)));
}

const mismatch = (seen: KeyValue | undefined, expected: number): string =>
  seen === undefined
    ? `there is no such key; expected revision ${expected}`
    : `its revision is ${seen.modRevision}; expected ${expected}`;

function serveWatching(app: App, { streams, metrics }: KvRouteParts): void {
  app.get(
    kvWatchPath,
    {
      exposeHeadRoute: false,
      schema: {
        summary: "What happens to a key, or all with a prefix (server-sent events)",
        description:
          "Each event is a `put` or a `delete` with a KeyEvent as `data`; the last of a revision has " +
          "it as `id`. `revision` is the first that is wanted; " +
          "`Last-Event-ID` resumes behind one. `compacted` ends the stream: what it asked for is gone.",
        tags,
        querystring: closed({
          ...whichKeys,
          revision: Type.Optional(Type.Integer({ minimum: 1, description: "Else from now on." })),
        }),
        headers: Type.Object({ "last-event-id": Type.Optional(Type.Integer({ minimum: 0 })) }),
        response: {
          ...problems("E_INVALID_REQUEST", "E_STREAM_LIMIT"),
          200: opaque("text/event-stream", "string", "An endless stream."),
        },
      },
    },
    (request, reply) => {
      const range = rangeOf(request.query);
      if (range === null) {
        refuse(request, reply, "E_INVALID_REQUEST", oneOfBoth);
        return;
      }
      if (streams.isFull) {
        metrics.httpRejected("stream_limit");
        reply.header("retry-after", "30");
        refuse(request, reply, "E_STREAM_LIMIT");
        return;
      }
      const last = request.headers["last-event-id"];
      const from = last === undefined ? request.query.revision : last + 1;
      reply.hijack();
      reply.raw.writeHead(200, {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        // nginx would hold the events back otherwise.
        "x-accel-buffering": "no",
      });
      streams.add(reply.raw, { ...range, startRevision: from ?? 0 });
    },
  );
}

const oneOfBoth = { detail: "give either key or prefix" };

/** Null when neither or both are given. */
function rangeOf({ key, prefix }: { key?: string; prefix?: string }) {
  if ((key === undefined) === (prefix === undefined)) return null;
  return prefix === undefined ? { key: keyOf(key ?? ""), rangeEnd: "" } : prefixRange(prefix);
}

const allOf = {
  kind: "range",
  sortOrder: "none",
  sortTarget: "key",
  keysOnly: false,
  countOnly: false,
  minModRevision: 0,
  maxModRevision: 0,
  minCreateRevision: 0,
  maxCreateRevision: 0,
} as const;

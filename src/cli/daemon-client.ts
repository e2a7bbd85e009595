/**
 * Talks to a running daemon over HTTP. Whatever answers at the address may not be a meshmend:
 * answers are bounded in time (5 s) and size (16 MiB) and checked against their shape.
 */

import { type IncomingMessage, request } from "node:http";
import { failed, ok, type Result } from "../base/index.ts";
import type { HostPort } from "../config/node-config.ts";
import { writeHostPort } from "../config/notation.ts";
import { problemShape } from "./answers.ts";
import { exitCode } from "./exit-code.ts";
import { checkShape, type Shape } from "./shape.ts";
import { type CliFault, cliFault } from "./terminal.ts";

const answerTimeoutMs = 5_000;
const maxAnswerBytes = 16 * 1_048_576;

export interface DaemonClient {
  readonly address: string;
  /** `accept`: statuses whose body is of the shape; /health answers 503 with a full report. */
  get<Value>(path: string, shape: Shape<Value>, accept?: readonly number[]): Answer<Value>;
  post<Value>(path: string, body: unknown, shape: Shape<Value>): Answer<Value>;
  delete<Value>(path: string, shape: Shape<Value>): Answer<Value>;
  /** The body as it is, of a route that answers text. */
  text(path: string): Answer<string>;
  /** The open stream of a route that does not end, its head checked, its body not yet read. */
  stream(path: string, headers: Headers, signal: AbortSignal): Answer<IncomingMessage>;
}

type Answer<Value> = Promise<Result<Value, CliFault>>;
type Headers = Readonly<Record<string, string>>;

interface Request {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly headers: Headers;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export function connectDaemon(at: HostPort): DaemonClient {
  const address = writeHostPort(at);

  async function exchange<Value>(
    call: Omit<Request, "signal">,
    shape: Shape<Value>,
    accept: readonly number[],
  ): Answer<Value> {
    const signal = AbortSignal.timeout(answerTimeoutMs);
    try {
      const response = await open(at, { ...call, signal });
      const body = await readBounded(response);
      return body === null
        ? failed(strangeAnswer(address, "16 MiB or more"))
        : read(response, body);
    } catch (thrown) {
      return failed(connectionFault(address, thrown, signal.aborted));
    }

    function read(response: IncomingMessage, body: string): Result<Value, CliFault> {
      const status = response.statusCode ?? 0;
      const json = parseJson(body);
      if (!accept.includes(status)) return failed(problemFault(address, status, json));
      const fitting = checkShape(shape, json);
      return fitting.ok ? fitting : failed(strangeAnswer(address, fitting.fault));
    }
  }

  return {
    address,
    get: (path, shape, accept = [200]) =>
      exchange({ method: "GET", path, headers: {} }, shape, accept),
    post(path, body, shape) {
      const headers = { "content-type": "application/json" };
      return exchange({ method: "POST", path, headers, body: JSON.stringify(body) }, shape, [200]);
    },
    delete(path, shape) {
      // For this method Node says nothing of the length by itself.
      const headers = { "content-type": "application/json", "content-length": "2" };
      return exchange({ method: "DELETE", path, headers, body: "{}" }, shape, [200]);
    },
    async text(path) {
      const signal = AbortSignal.timeout(answerTimeoutMs);
      try {
        const response = await open(at, {
          method: "GET",
          path,
          headers: { accept: "*/*" },
          signal,
        });
        const body = await readBounded(response);
        if (body === null) return failed(strangeAnswer(address, "16 MiB or more"));
        if (response.statusCode === 200) return ok(body);
        return failed(problemFault(address, response.statusCode ?? 0, parseJson(body)));
      } catch (thrown) {
        return failed(connectionFault(address, thrown, signal.aborted));
      }
    },
    async stream(path, headers, signal) {
      const timeout = AbortSignal.timeout(answerTimeoutMs);
      const headOnly = new AbortController();
      const giveUp = (): void => headOnly.abort();
      timeout.addEventListener("abort", giveUp);
      try {
        const both = AbortSignal.any([signal, headOnly.signal]);
        const response = await open(at, { method: "GET", path, headers, signal: both });
        if (response.statusCode === 200) return ok(response);
        const json = parseJson((await readBounded(response)) ?? "");
        return failed(problemFault(address, response.statusCode ?? 0, json));
      } catch (thrown) {
        return failed(connectionFault(address, thrown, timeout.aborted));
      } finally {
        timeout.removeEventListener("abort", giveUp);
      }
    },
  };
}

function open(at: HostPort, { body, ...call }: Request): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  // One connection a request: a kept-alive one may have been closed by a restarted daemon.
  const headers = { accept: "application/json", connection: "close", ...call.headers };
  const sent = request({ ...at, ...call, agent: false, headers }, resolve);
  sent.on("error", reject);
  sent.end(body);
  return promise;
}

/** Null when it is too large; the connection is then cut. */
async function readBounded(response: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Undefined, which fits no shape, when it is no JSON. */
function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function problemFault(address: string, status: number, json: unknown): CliFault {
  const problem = checkShape(problemShape, json);
  if (!problem.ok) return strangeAnswer(address, `status ${status} without a problem document`);
  const exit = status === 404 ? exitCode.notFound : exitCode.failure;
  const { code, detail, errors = [] } = problem.value;
  const named = errors.map(({ path, expected }) => `${path}: ${expected}`);
  return cliFault(exit, code, named.length === 0 ? detail : named.join("; "));
}

function strangeAnswer(address: string, why: string): CliFault {
  const remedy = "is it a meshmend, and of this version?";
  return cliFault(
    exitCode.failure,
    "E_DAEMON_ANSWER",
    `${address} answers strangely: ${why}`,
    remedy,
  );
}

function connectionFault(address: string, thrown: unknown, timedOut: boolean): CliFault {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: "nothing listens there",
    ENOTFOUND: "there is no such host",
    EHOSTUNREACH: "the host cannot be reached",
    ECONNRESET: "the connection was cut",
  };
  const late = `no answer within ${answerTimeoutMs / 1_000} s`;
  const why = timedOut ? late : (known[code] ?? (thrown instanceof Error ? thrown.message : code));
  return cliFault(
    exitCode.unreachable,
    "E_DAEMON_UNREACHABLE",
    `no meshmend at ${address}: ${why}`,
    "start one with `meshmend run`, or name its address with --http HOST:PORT or MESHMEND_HTTP",
  );
}

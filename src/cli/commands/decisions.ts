/** `meshmend decisions`, `explain`, `confirm` and `deny`: the record of what the node decided. */

import { failed, ok, type Result } from "../../base/index.ts";
import { confirmedShape, type Decision, decisionPageShape, decisionShape } from "../answers.ts";
import { type DaemonOptions, findDaemon } from "../daemon-address.ts";
import type { DaemonClient } from "../daemon-client.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { explainDecision } from "../explain.ts";
import { type CliFault, cliFault, complainOf, printable, type Terminal } from "../terminal.ts";
import { decisionTable } from "./status.ts";

const route = "/api/v1/mape-k/decisions";
/** The most the daemon gives at once. */
const pageSize = 100;
/** Crockford's base 32, as in ULIDs, which are 26 characters. */
const idCharacters = /^[0-9A-HJKMNP-TV-Z]{1,26}$/;

export interface DecisionsOptions extends DaemonOptions {
  readonly limit: number;
  readonly json?: boolean;
}

export async function decisions(terminal: Terminal, options: DecisionsOptions): Promise<ExitCode> {
  const daemon = await findDaemon(terminal, options);
  if (!daemon.ok) return complainOf(terminal, daemon.fault);
  const found: Decision[] = [];
  let before = "";
  while (found.length < options.limit) {
    const limit = Math.min(pageSize, options.limit - found.length);
    const page = await daemon.value.get(`${route}?limit=${limit}${before}`, decisionPageShape);
    if (!page.ok) return complainOf(terminal, page.fault);
    const { decisions: some, next } = page.value;
    found.push(...some.slice(0, limit));
    const last = some.at(-1);
    if (next === null || last === undefined) break;
    before = `&before=${encodeURIComponent(last.id)}`;
  }
  if (options.json === true) terminal.write(`${JSON.stringify(found, null, 2)}\n`);
  else if (found.length === 0) terminal.write("No decisions yet.\n");
  else terminal.write(decisionTable(terminal, found));
  return exitCode.ok;
}

const notFound = (reference: string): CliFault =>
  cliFault(
    exitCode.notFound,
    "E_NO_SUCH_DECISION",
    `the daemon knows no decision ${reference}`,
    "list them with `meshmend decisions`",
  );

/** `last`, a whole id, or as much of one as is unique. */
async function findDecision(
  daemon: DaemonClient,
  reference: string,
): Promise<Result<Decision, CliFault>> {
  if (reference === "last") {
    const page = await daemon.get(`${route}?limit=1`, decisionPageShape);
    if (!page.ok) return page;
    const [decision] = page.value.decisions;
    return decision === undefined ? failed(notFound("yet")) : ok(decision);
  }
  const prefix = reference.toUpperCase();
  if (!idCharacters.test(prefix)) {
    const why = `expected a decision's id, the beginning of one, or last; seen ${JSON.stringify(reference)}`;
    return failed(cliFault(exitCode.usage, "E_USAGE", why));
  }
  if (prefix.length === 26) return await daemon.get(`${route}/${prefix}`, decisionShape);
  // Ids sort as text: what has the prefix comes right before the largest id that could have it.
  const before = prefix.padEnd(26, "Z");
  const page = await daemon.get(`${route}?limit=2&before=${before}`, decisionPageShape);
  if (!page.ok) return page;
  const [first, second] = page.value.decisions.filter(({ id }) => id.startsWith(prefix));
  if (first === undefined) return failed(notFound(`that begins with ${prefix}`));
  if (second === undefined) return ok(first);
  const why = `several decisions begin with ${prefix}: ${first.id}, ${second.id}`;
  return failed(cliFault(exitCode.usage, "E_USAGE", why, "give more of the id"));
}

export interface ExplainOptions extends DaemonOptions {
  readonly json?: boolean;
}

export async function explain(
  terminal: Terminal,
  reference: string,
  options: ExplainOptions,
): Promise<ExitCode> {
  const daemon = await findDaemon(terminal, options);
  if (!daemon.ok) return complainOf(terminal, daemon.fault);
  const decision = await findDecision(daemon.value, reference);
  if (!decision.ok) return complainOf(terminal, decision.fault);
  const json = options.json === true;
  terminal.write(
    json
      ? `${JSON.stringify(decision.value, null, 2)}\n`
      : explainDecision(terminal, decision.value),
  );
  return exitCode.ok;
}

/** What was decided since (a word about the load, say) is not what the person means. */
async function findWaiting(daemon: DaemonClient): Promise<Result<Decision, CliFault>> {
  const page = await daemon.get(`${route}?limit=${pageSize}`, decisionPageShape);
  if (!page.ok) return page;
  const waiting = page.value.decisions.find(({ phase }) => phase === "waiting");
  if (waiting !== undefined) return ok(waiting);
  const why = `none of the latest ${pageSize} decisions waits for an answer`;
  return failed(cliFault(exitCode.failure, "E_NOT_WAITING", why));
}

/** `confirm` and `deny`; for them `last` is the latest that waits. */
export async function answer(
  terminal: Terminal,
  reference: string,
  approve: boolean,
  options: DaemonOptions,
): Promise<ExitCode> {
  const daemon = await findDaemon(terminal, options);
  if (!daemon.ok) return complainOf(terminal, daemon.fault);
  const decision =
    reference === "last"
      ? await findWaiting(daemon.value)
      : await findDecision(daemon.value, reference);
  if (!decision.ok) return complainOf(terminal, decision.fault);
  const { id, phase } = decision.value;
  if (phase !== "waiting") {
    const why = `decision ${id} does not wait for an answer: it is ${phase}`;
    return complainOf(terminal, cliFault(exitCode.failure, "E_NOT_WAITING", why));
  }
  const path = `${route}/${encodeURIComponent(id)}/confirmation`;
  const done = await daemon.value.post(path, { approve }, confirmedShape);
  if (!done.ok) return complainOf(terminal, done.fault);
  terminal.write(`${printable(id)} ${approve ? "confirmed" : "denied"}\n`);
  return exitCode.ok;
}

/** `meshmend events`: follows what the node does, through restarts of the daemon. */

import { setTimeout as wait } from "node:timers/promises";
import { failed, messageOf, type Result } from "../../base/index.ts";
import { type Decision, type EventAnswer, eventShape } from "../answers.ts";
import { type DaemonOptions, findDaemon } from "../daemon-address.ts";
import type { DaemonClient } from "../daemon-client.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { EventStreamReader, type ServerSentEvent } from "../server-sent-events.ts";
import { checkShape } from "../shape.ts";
import { type CliFault, cliFault, complainOf, printable, type Terminal } from "../terminal.ts";
import { actionsWords, clockTime, outcomeWords, span, stateWords } from "../words.ts";

export interface EventsOptions extends DaemonOptions {
  readonly json?: boolean;
  /** Begin with the events after this one that the daemon still has. */
  readonly after?: number;
}

const reconnectMs = 1_000;
/** The daemon sends a comment each 15 s; three of them missing means that the line is dead. */
const silenceMs = 45_000;

export async function events(terminal: Terminal, options: EventsOptions): Promise<ExitCode> {
  const daemon = await findDaemon(terminal, options);
  if (!daemon.ok) return complainOf(terminal, daemon.fault);
  const interruption = terminal.interruption();
  const place = { last: options.after === undefined ? "" : String(options.after) };
  let everConnected = false;
  while (!interruption.aborted) {
    const ended = await follow(terminal, daemon.value, place, options, interruption);
    if (interruption.aborted) break;
    everConnected ||= ended.ok;
    if (!ended.ok && (!everConnected || ended.fault.exit !== exitCode.unreachable)) {
      return complainOf(terminal, ended.fault);
    }
    if (ended.ok) terminal.complain(`meshmend: ${printable(ended.value)}; trying again\n`);
    await wait(reconnectMs, undefined, { signal: interruption }).catch(ignoreAbort);
  }
  return exitCode.interrupted;
}

/** Being interrupted is how waiting ends; nothing else can fail there. */
const ignoreAbort = (): void => {};

/** Until the stream ends: the reason why, or the fault that kept it from beginning. */
async function follow(
  terminal: Terminal,
  daemon: DaemonClient,
  place: { last: string },
  options: EventsOptions,
  interruption: AbortSignal,
): Promise<Result<string, CliFault>> {
  const silence = new AbortController();
  const headers = {
    accept: "text/event-stream",
    ...(place.last !== "" && { "last-event-id": place.last }),
  };
  const signal = AbortSignal.any([interruption, silence.signal]);
  const response = await daemon.stream("/api/v1/events", headers, signal);
  if (!response.ok) return response;
  const reader = new EventStreamReader();
  const decoder = new TextDecoder();
  let watchdog = setTimeout(() => silence.abort(), silenceMs);
  try {
    for await (const chunk of response.value as AsyncIterable<Buffer>) {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => silence.abort(), silenceMs);
      const received = reader.read(decoder.decode(chunk, { stream: true }));
      if (received === null) return failed(notEvents(daemon, "an event without end"));
      for (const each of received) {
        const strange = show(terminal, each, options);
        if (strange !== null) return failed(notEvents(daemon, strange));
        place.last = each.id;
      }
    }
    return { ok: true, value: "the daemon ended the stream" };
  } catch (thrown) {
    return { ok: true, value: `the stream was cut (${messageOf(thrown)})` };
  } finally {
    clearTimeout(watchdog);
  }
}

const notEvents = ({ address }: DaemonClient, why: string): CliFault =>
  cliFault(exitCode.failure, "E_DAEMON_ANSWER", `${address} answers strangely: ${why}`);

/** Null when it could be shown. */
function show(
  terminal: Terminal,
  { kind, data }: ServerSentEvent,
  { json }: EventsOptions,
): string | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(data);
  } catch (thrown) {
    return messageOf(thrown);
  }
  if (json === true) {
    terminal.write(`${JSON.stringify(kind === "gap" ? { gap: parsed } : parsed)}\n`);
    return null;
  }
  if (kind === "gap") {
    terminal.write(terminal.paint("dim", "(older events are gone)\n"));
    return null;
  }
  const event = checkShape(eventShape, parsed);
  if (!event.ok) return event.fault;
  terminal.write(`${clockTime(event.value.wallMs)}  ${eventWords(terminal, event.value)}\n`);
  return null;
}

/** One line a person reads. */
function eventWords(terminal: Terminal, { event }: EventAnswer): string {
  const { kind, symptom, decision, peer } = event;
  const id = printable(decision?.id ?? "?");
  switch (kind) {
    case "symptom-raised":
      return `${stateWords(terminal, symptom?.severity ?? "?")}  ${printable(symptom?.summary ?? "?")}`;
    case "symptom-cleared": {
      const lasted = span(event.lastedMs ?? 0);
      return `${terminal.paint("green", "cleared")}  ${printable(symptom?.summary ?? "?")}, after ${lasted}`;
    }
    case "decision-made":
      return `decided  ${id}: ${decision === undefined ? "?" : decisionWords(decision)}`;
    case "decision-changed":
      return `decision ${id}: now ${printable(decision?.phase ?? "?")}`;
    case "verdict":
      return `verdict  ${id}: ${stateWords(terminal, decision === undefined ? "?" : outcomeWords(decision))}`;
    case "peer-appeared":
      return `peer     ${peerWords(peer)} runs meshmend`;
    case "peer-gone": {
      const how = event.reason === "goodbye" ? "has stopped" : "is not heard any more";
      return `peer     ${peerWords(peer)} ${how}`;
    }
    default:
      return printable(kind);
  }
}

function peerWords(peer: EventAnswer["event"]["peer"]): string {
  const { nodeId = "?", addresses = [] } = peer ?? {};
  return printable(`${nodeId} at ${addresses.join(", ")}`);
}

function decisionWords(decision: Decision): string {
  const { plan, symptom } = decision;
  const outcome = printable(outcomeWords(decision));
  return `${actionsWords(plan.actions)} because of ${printable(symptom.key)} (${outcome})`;
}

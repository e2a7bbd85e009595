/** How the commands say things: times, actions, evidence, outcomes. */

import type { Action, Decision, Evidence } from "./answers.ts";
import { type Colour, printable, type Terminal } from "./terminal.ts";

const twoDigits = (value: number): string => String(value).padStart(2, "0");

/** `2026-11-21 03:40:05`, local time; `?` for a number that is no time. */
export function wallTime(wallMs: number): string {
  const at = new Date(wallMs);
  if (Number.isNaN(at.getTime())) return "?";
  const day = `${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())}`;
  return `${day} ${clockTime(wallMs)}`;
}

/** `03:40:05`, local time. */
export function clockTime(wallMs: number): string {
  const at = new Date(wallMs);
  if (Number.isNaN(at.getTime())) return "?";
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(":");
}

/** Two units at most: `3 h 12 min`, `4.2 s`, `120 ms`. */
export function span(ms: number): string {
  if (ms < 0) return `-${span(-ms)}`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** One line, as an operator would type it. */
export function actionWords(action: Action): string {
  if (action.to !== undefined) return `restore: ${actionWords(action.to)}`;
  const on = printable(action.interface ?? "?");
  switch (action.kind) {
    case "interface-up":
      return `set ${on} up`;
    case "interface-down":
      return `set ${on} down`;
    case "interface-bounce":
      return `set ${on} down, and up again after ${span(action.downMs ?? 0)}`;
    case "tell":
      return `tell: ${printable(action.message ?? "")}`;
    case "mesh-reenslave":
      return `take ${on} out of the mesh and in again`;
    case "mesh-membership":
      return action.member === true ? `add ${on} to the mesh` : `take ${on} out of the mesh`;
    case "throughput-override":
      return action.throughputKbps === 0
        ? `set no throughput override on ${on}`
        : `set the throughput override of ${on} to ${action.throughputKbps} kbit/s`;
    case "interface-hop-penalty":
    case "mesh-hop-penalty":
      return `set the hop penalty of ${on} to ${action.hopPenalty}`;
    case "elp-interval":
      return `set the ELP interval of ${on} to ${action.intervalMs} ms`;
    case "originator-interval":
      return `set the originator interval of ${on} to ${action.intervalMs} ms`;
    case "interface-mtu":
      return `set the MTU of ${on} to ${action.mtuBytes}`;
    case "frame-deny":
      return `${action.denied === true ? "drop" : "let in"} all frames of ${printable(action.address ?? "?")} on ${on}`;
    case "broadcast-limit":
      return action.limit
        ? `let ${action.limit.perSecond} broadcasts a second of each originator in on ${on}`
        : `let all broadcasts in on ${on}`;
    case "gateway-mode":
      return `set the gateway mode of ${on} to ${printable(action.gateway?.mode ?? "?")}`;
    default:
      return `${printable(action.kind)}${action.interface === undefined ? "" : ` on ${on}`}`;
  }
}

export function actionsWords(actions: readonly Action[]): string {
  return actions.length === 0 ? "nothing" : actions.map(actionWords).join("; then ");
}

export function evidenceWords({ what, seen, limit }: Evidence): string {
  const value = typeof seen === "number" ? Number(seen.toPrecision(6)) : seen;
  const held = limit === undefined ? "" : ` (limit ${limit})`;
  return printable(`${what}: ${value}${held}`);
}

/** What became of a decision, in a word or two. */
export function outcomeWords(decision: Decision): string {
  if (decision.phase === "holding") return "holding";
  if (decision.withdrawal) return decision.withdrawal.outcome;
  if (decision.verdict !== null) return decision.verdict.outcome;
  if (decision.admission.kind === "refused") return `refused: ${decision.admission.code ?? "?"}`;
  return decision.phase;
}

const colours: Readonly<Record<string, Colour>> = {
  ok: "green",
  healed: "green",
  holding: "green",
  withdrawn: "green",
  yes: "green",
  degraded: "yellow",
  warning: "yellow",
  waiting: "yellow",
  undone: "yellow",
  "could not tell": "yellow",
  failed: "red",
  critical: "red",
  no: "red",
  "undo-failed": "red",
  "not-applied": "red",
};

/** A word that tells a state, in the colour of that state. */
export function stateWords(terminal: Terminal, state: string): string {
  const colour = Object.hasOwn(colours, state) ? colours[state] : undefined;
  return colour === undefined ? printable(state) : terminal.paint(colour, printable(state));
}

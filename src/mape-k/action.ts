/** What the node can do to itself. Actions are data: printable, idempotent, each with its undo. */

import { unreachable } from "../base/index.ts";
import { type Subject, subject } from "./subject.ts";
import type { Severity } from "./symptom.ts";

export type Action =
  | { readonly kind: "interface-up"; readonly interface: string }
  | { readonly kind: "interface-down"; readonly interface: string }
  /** Down, a pause, up again. */
  | { readonly kind: "interface-bounce"; readonly interface: string; readonly downMs: number }
  /** Says it in the log and on the event stream; touches nothing. */
  | { readonly kind: "tell"; readonly severity: Severity; readonly message: string };

export type ActionKind = Action["kind"];

/** Does it change how traffic flows? Only such actions cost budget and need a journal. */
export function isDisruptive(action: Action): boolean {
  return action.kind !== "tell";
}

export function actionSubject(action: Action): Subject {
  return action.kind === "tell" ? subject("node", "self") : subject("interface", action.interface);
}

/**
 * What takes an action back. A bounce ends with the interface up; if it was broken off between
 * its two halves, "up" is what restores it.
 */
export function undoOf(action: Action): Action {
  switch (action.kind) {
    case "interface-up":
      return { kind: "interface-down", interface: action.interface };
    case "interface-down":
    case "interface-bounce":
      return { kind: "interface-up", interface: action.interface };
    case "tell":
      return { kind: "tell", severity: "info", message: `withdrawn: ${action.message}` };
    default:
      return unreachable(action);
  }
}

/** One line for people, as an operator would type it. */
export function describeAction(action: Action): string {
  switch (action.kind) {
    case "interface-up":
      return `set ${action.interface} up`;
    case "interface-down":
      return `set ${action.interface} down`;
    case "interface-bounce":
      return `set ${action.interface} down and up again after ${action.downMs} ms`;
    case "tell":
      return `tell: ${action.message}`;
    default:
      return unreachable(action);
  }
}

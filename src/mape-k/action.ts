/** What the node can do to itself. Actions are data: printable, idempotent, each with its undo. */

import { unreachable } from "../base/index.ts";
import { type Subject, subject } from "./subject.ts";
import type { Severity } from "./symptom.ts";

/** As batman-adv has it; `selectionClass` in the kernel's own unit. */
export type GatewayRole =
  | { readonly mode: "off" }
  | { readonly mode: "client"; readonly selectionClass: number }
  | { readonly mode: "server"; readonly downKbps: number; readonly upKbps: number };

/**
 * A value that is set and can be read. What takes it back is known only once the value before it has
 * been read. `interface` is a hard interface of the mesh, or the mesh interface itself.
 */
export type SettingAction =
  /** 0: none, batman-adv estimates by itself. BATMAN_V only. */
  | {
      readonly kind: "throughput-override";
      readonly interface: string;
      readonly throughputKbps: number;
    }
  /** 0 to 255, on one hard interface. BATMAN_IV only. */
  | {
      readonly kind: "interface-hop-penalty";
      readonly interface: string;
      readonly hopPenalty: number;
    }
  | { readonly kind: "elp-interval"; readonly interface: string; readonly intervalMs: number }
  | { readonly kind: "mesh-hop-penalty"; readonly interface: string; readonly hopPenalty: number }
  | {
      readonly kind: "originator-interval";
      readonly interface: string;
      readonly intervalMs: number;
    }
  | { readonly kind: "gateway-mode"; readonly interface: string; readonly gateway: GatewayRole }
  /** Whether a hard interface belongs to the mesh. */
  | { readonly kind: "mesh-membership"; readonly interface: string; readonly member: boolean }
  | { readonly kind: "interface-mtu"; readonly interface: string; readonly mtuBytes: number }
  /** Whether frames from this address are dropped before the mesh sees them, on all its interfaces. */
  | {
      readonly kind: "frame-deny";
      readonly interface: string;
      readonly address: string;
      readonly denied: boolean;
    }
  /** How many broadcasts of one originator pass; null: all. */
  | {
      readonly kind: "broadcast-limit";
      readonly interface: string;
      readonly limit: BroadcastLimit | null;
    };

export interface BroadcastLimit {
  readonly perSecond: number;
  /** So many at once. */
  readonly burst: number;
}

/** Gives a setting the value it had, unless somebody else has changed it since. */
export interface RestoreAction {
  readonly kind: "restore";
  readonly interface: string;
  readonly to: SettingAction;
  /** What we had set; anything else is not ours to touch. */
  readonly from: SettingAction;
}

export type Action =
  | { readonly kind: "interface-up"; readonly interface: string }
  | { readonly kind: "interface-down"; readonly interface: string }
  /** Down, a pause, up again. */
  | { readonly kind: "interface-bounce"; readonly interface: string; readonly downMs: number }
  /** Out of the mesh and in again, with the settings it had. */
  | { readonly kind: "mesh-reenslave"; readonly interface: string }
  | SettingAction
  | RestoreAction
  /** Says it in the log and on the event stream; touches nothing. */
  | { readonly kind: "tell"; readonly severity: Severity; readonly message: string };

export type ActionKind = Action["kind"];

/** What an actuator can be asked for; restoring is the business of whoever sets. */
export type HandledKind = Exclude<ActionKind, "restore">;

export function handledKind(action: Action): HandledKind {
  return action.kind === "restore" ? action.to.kind : action.kind;
}

/** Does it change how traffic flows? Only such actions cost budget and need a journal. */
export function isDisruptive(action: Action): boolean {
  return action.kind !== "tell";
}

export function actionSubject(action: Action): Subject {
  return action.kind === "tell" ? subject("node", "self") : subject("interface", action.interface);
}

/** What restores `before` once `set` is done: both the same setting of the same interface. */
export function restoreOf(set: SettingAction, before: SettingAction): RestoreAction {
  return { kind: "restore", interface: set.interface, to: before, from: set };
}

/**
 * What takes an action back, as far as that is known without looking: null for settings. A bounce ends
 * with the interface up; if it was broken off between its two halves, "up" is what restores it.
 */
export function undoOf(action: Action): Action | null {
  switch (action.kind) {
    case "interface-up":
      return { kind: "interface-down", interface: action.interface };
    case "interface-down":
    case "interface-bounce":
      return { kind: "interface-up", interface: action.interface };
    case "mesh-reenslave":
      return { kind: "mesh-membership", interface: action.interface, member: true };
    case "restore":
      return restoreOf(action.to, action.from);
    case "tell":
      return { kind: "tell", severity: "info", message: `withdrawn: ${action.message}` };
    default:
      return null;
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
    case "mesh-reenslave":
      return `take ${action.interface} out of the mesh and in again`;
    case "restore":
      return `restore: ${describeAction(action.to)}`;
    case "tell":
      return `tell: ${action.message}`;
    default:
      return describeSetting(action);
  }
}

function describeSetting(action: SettingAction): string {
  const on = action.interface;
  switch (action.kind) {
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
    case "gateway-mode":
      return `set the gateway mode of ${on} to ${describeGateway(action.gateway)}`;
    case "mesh-membership":
      return action.member ? `add ${on} to the mesh` : `take ${on} out of the mesh`;
    case "interface-mtu":
      return `set the MTU of ${on} to ${action.mtuBytes}`;
    case "frame-deny":
      return `${action.denied ? "drop" : "let in"} all frames of ${action.address} on ${on}`;
    case "broadcast-limit":
      return action.limit === null
        ? `let all broadcasts in on ${on}`
        : `let ${action.limit.perSecond} broadcasts a second of each originator in on ${on}` +
            `, ${action.limit.burst} at once`;
    default:
      return unreachable(action);
  }
}

function describeGateway(gateway: GatewayRole): string {
  switch (gateway.mode) {
    case "off":
      return "off";
    case "client":
      return `client (class ${gateway.selectionClass})`;
    case "server":
      return `server (${gateway.downKbps}/${gateway.upKbps} kbit/s)`;
    default:
      return unreachable(gateway);
  }
}

/**
 * Sets interfaces up and down with `ip link`, and believes only what sysfs says afterwards. It knows
 * that a bounce must never end with the interface down, whatever happens between its halves.
 */

import { readFileSync } from "node:fs";
import { type Clock, type Fault, failed, fault, ok, type Result } from "../../../base/index.ts";
import type { Action, HandledKind } from "../../action.ts";
import type { Actuator, ActuatorFaultCode } from "../../execute/actuator.ts";
import { errnoOf } from "./errno.ts";
import { badName, noInterface, setLink } from "./ip-link.ts";
import type { KernelRoots } from "./kernel-roots.ts";
import type { RunCommand } from "./run-command.ts";
import { parseInterfaceFlags } from "./sysfs-interface.ts";

export interface InterfaceActuatorParts {
  readonly clock: Clock;
  readonly run: RunCommand;
}

export interface InterfaceActuatorOptions extends Pick<KernelRoots, "sysRoot"> {
  /** How long one `ip link` may take. */
  readonly timeoutMs: number;
}

type ActuatorFault = Fault<ActuatorFaultCode>;
type Outcome = Result<void, ActuatorFault>;
type Wanted = "up" | "down";

type UpOrDown = Extract<Action, { kind: "interface-up" | "interface-down" | "interface-bounce" }>;

function isUpOrDown(action: Action): action is UpOrDown {
  return ["interface-up", "interface-down", "interface-bounce"].includes(action.kind);
}

const upAttempts = 3;
const upPauseMs = 250;

export class InterfaceActuator implements Actuator {
  readonly kinds: readonly HandledKind[] = ["interface-up", "interface-down", "interface-bounce"];
  readonly #parts: InterfaceActuatorParts;
  readonly #options: InterfaceActuatorOptions;

  constructor(parts: InterfaceActuatorParts, options: InterfaceActuatorOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async apply(action: Action, signal: AbortSignal): Promise<Outcome> {
    if (!isUpOrDown(action)) {
      return failed(fault("E_NO_CAPABILITY", `setting up and down does not do "${action.kind}"`));
    }
    const name = action.interface;
    const bad = badName(name);
    if (bad !== null) return failed(bad);
    if (this.#state(name) === null) return failed(noInterface(name));
    if (action.kind === "interface-bounce") return this.#bounce(name, action.downMs, signal);
    return this.#set(name, action.kind === "interface-up" ? "up" : "down", signal);
  }

  async #bounce(name: string, downMs: number, signal: AbortSignal): Promise<Outcome> {
    const down = await this.#set(name, "down", signal);
    // Refused before anything changed: there is nothing to put right. A command that was stopped
    // may still take effect, so after that nothing but "up" will do.
    const stopped = !down.ok && down.fault.code === "E_ACTION_TIMEOUT";
    if (!down.ok && !stopped && this.#state(name) === "up") return down;
    if (down.ok) await this.#parts.clock.sleep(downMs, signal);
    const up = await this.#bringBack(name);
    if (!up.ok) return up;
    if (!down.ok) return down;
    if (!signal.aborted) return ok(undefined);
    const message = `the bounce of ${name} was broken off while it was down; it is up again`;
    return failed(fault("E_ACTION_TIMEOUT", message));
  }

  /** Not bounded by the caller's signal: an interface that we took down comes up again. */
  async #bringBack(name: string): Promise<Outcome> {
    const unbound = new AbortController().signal;
    let outcome = await this.#set(name, "up", unbound);
    for (let attempt = 1; attempt < upAttempts && !outcome.ok; attempt++) {
      if (outcome.fault.code === "E_NO_SUCH_SUBJECT") return outcome;
      await this.#parts.clock.sleep(upPauseMs);
      outcome = await this.#set(name, "up", unbound);
    }
    return outcome;
  }

  async #set(name: string, wanted: Wanted, signal: AbortSignal): Promise<Outcome> {
    const set = await setLink(this.#parts, this.#options, name, [wanted], signal);
    if (!set.ok) return set;
    const state = this.#state(name);
    if (state === null) return failed(noInterface(name));
    if (state === wanted) return ok(undefined);
    const message = `ip link set ${name} ${wanted} succeeded, but the kernel says it is ${state}`;
    return failed(fault("E_ACTION_FAILED", message));
  }

  /** The administrative state as the kernel has it; null when there is no such interface. */
  #state(name: string): Wanted | null {
    try {
      const text = readFileSync(`${this.#options.sysRoot}/class/net/${name}/flags`, "latin1");
      const flags = parseInterfaceFlags(text);
      if (flags === null) return null;
      return flags.adminUp ? "up" : "down";
    } catch (thrown) {
      if (errnoOf(thrown) === null) throw thrown;
      return null;
    }
  }
}

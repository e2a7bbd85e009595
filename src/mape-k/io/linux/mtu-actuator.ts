/** Sets the MTU of an interface with `ip link`, and believes only what sysfs says afterwards. */

import { readFileSync } from "node:fs";
import { type Clock, type Fault, failed, fault, ok, type Result } from "../../../base/index.ts";
import { type Action, type HandledKind, restoreOf } from "../../action.ts";
import type { Actuator, ActuatorFaultCode } from "../../execute/actuator.ts";
import { errnoOf } from "./errno.ts";
import { badName, noInterface, setLink } from "./ip-link.ts";
import type { KernelRoots } from "./kernel-roots.ts";
import type { RunCommand } from "./run-command.ts";
import { parseCount } from "./sysfs-interface.ts";

type Outcome<Value = void> = Result<Value, Fault<ActuatorFaultCode>>;
type MtuAction = Extract<Action, { readonly kind: "interface-mtu" }>;

export class MtuActuator implements Actuator {
  readonly kinds: readonly HandledKind[] = ["interface-mtu"];
  readonly #parts: { readonly clock: Clock; readonly run: RunCommand };
  readonly #options: Pick<KernelRoots, "sysRoot"> & { readonly timeoutMs: number };

  constructor(
    parts: { readonly clock: Clock; readonly run: RunCommand },
    options: Pick<KernelRoots, "sysRoot"> & { readonly timeoutMs: number },
  ) {
    this.#parts = parts;
    this.#options = options;
  }

  async undoFor(action: Action): Promise<Outcome<Action>> {
    if (action.kind !== "interface-mtu") return failed(notMine(action));
    const mtuBytes = this.#mtuBytes(action.interface);
    return mtuBytes.ok ? ok(restoreOf(action, { ...action, mtuBytes: mtuBytes.value })) : mtuBytes;
  }

  async apply(action: Action, signal: AbortSignal): Promise<Outcome> {
    if (action.kind === "interface-mtu") return this.#set(action, null, signal);
    if (action.kind !== "restore" || action.to.kind !== "interface-mtu") {
      return failed(notMine(action));
    }
    const ours = action.from.kind === "interface-mtu" ? action.from.mtuBytes : null;
    return this.#set(action.to, ours, signal);
  }

  /** `ifNow`: only if it still has that one. */
  async #set(wanted: MtuAction, ifNow: number | null, signal: AbortSignal): Promise<Outcome> {
    const { interface: name, mtuBytes } = wanted;
    const before = this.#mtuBytes(name);
    if (!before.ok) return before;
    if (before.value === mtuBytes) return ok(undefined);
    if (ifNow !== null && before.value !== ifNow) {
      const message = `${name} has an MTU of ${before.value}, not the ${ifNow} set by us: left alone`;
      return failed(fault("E_SUPERSEDED", message));
    }
    const set = await setLink(this.#parts, this.#options, name, ["mtu", `${mtuBytes}`], signal);
    if (!set.ok) return set;
    const after = this.#mtuBytes(name);
    if (!after.ok || after.value === mtuBytes) return after.ok ? ok(undefined) : after;
    const message = `ip set the MTU of ${name} to ${mtuBytes}, but the kernel says ${after.value}`;
    return failed(fault("E_ACTION_FAILED", message));
  }

  #mtuBytes(name: string): Outcome<number> {
    const bad = badName(name);
    if (bad !== null) return failed(bad);
    try {
      const text = readFileSync(`${this.#options.sysRoot}/class/net/${name}/mtu`, "latin1");
      const mtuBytes = parseCount(text);
      return mtuBytes === null ? failed(noInterface(name)) : ok(mtuBytes);
    } catch (thrown) {
      if (errnoOf(thrown) === null) throw thrown;
      return failed(noInterface(name));
    }
  }
}

function notMine(action: Action): Fault<ActuatorFaultCode> {
  return fault("E_NO_CAPABILITY", `setting an MTU does not do "${action.kind}"`);
}

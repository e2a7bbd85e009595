/**
 * Drops frames before the mesh sees them: those of a denied address, and broadcasts above a limit. The
 * kernel program that watches the mesh does it, so it ends when the daemon ends; nothing outlives us.
 */

import { type Fault, failed, fault, ok, type Result } from "../base/index.ts";
import {
  type Action,
  type Actuator,
  type ActuatorFaultCode,
  describeAction,
  type HandledKind,
  restoreOf,
  type SettingAction,
} from "../mape-k/index.ts";

type Outcome<Value = void> = Result<Value, Fault<ActuatorFaultCode>>;
type Limit = Extract<SettingAction, { readonly kind: "broadcast-limit" }>["limit"];

const kinds = ["frame-deny", "broadcast-limit"] as const satisfies readonly SettingAction["kind"][];
type FilterAction = Extract<SettingAction, { readonly kind: (typeof kinds)[number] }>;

/** What this needs of whoever filters frames; the XDP program's watch fits by structure. */
export interface FrameFilterPort {
  /** As the kernel has it. */
  read(): Result<{ readonly denied: readonly string[]; readonly broadcastLimit: Limit }, Fault>;
  /** These addresses and no others. */
  setDenied(addresses: readonly string[]): Result<void, Fault>;
  setBroadcastLimit(limit: Limit): Result<void, Fault>;
}

export class FrameFilterActuator implements Actuator {
  readonly kinds: readonly HandledKind[] = kinds;
  readonly #filter: FrameFilterPort;
  readonly #meshInterface: () => string | null;

  constructor(parts: {
    readonly filter: FrameFilterPort;
    /** Null: there is no mesh. */
    readonly meshInterface: () => string | null;
  }) {
    this.#filter = parts.filter;
    this.#meshInterface = parts.meshInterface;
  }

  async undoFor(action: Action): Promise<Outcome<Action>> {
    if (!isFilter(action)) return failed(notMine(action));
    const present = this.#present(action);
    return present.ok ? ok(restoreOf(action, present.value)) : present;
  }

  async apply(action: Action): Promise<Outcome> {
    const [wanted, ifNow] = action.kind === "restore" ? [action.to, action.from] : [action, null];
    if (!isFilter(wanted)) return failed(notMine(action));
    const problem = problemOf(wanted);
    if (problem !== null) return failed(fault("E_ACTION_FAILED", problem));
    const present = this.#present(wanted);
    if (!present.ok) return present;
    const now = describeAction(present.value);
    if (now === describeAction(wanted)) return ok(undefined);
    if (ifNow !== null && now !== describeAction(ifNow)) {
      return failed(fault("E_SUPERSEDED", `it is to "${now}" by now: left alone`));
    }
    const set = this.#set(wanted);
    if (!set.ok) return failed(actuatorFault(set.fault));
    const after = this.#present(wanted);
    if (!after.ok) return after;
    const seen = describeAction(after.value);
    if (seen === describeAction(wanted)) return ok(undefined);
    return failed(fault("E_ACTION_FAILED", `was to ${describeAction(wanted)}, but is to ${seen}`));
  }

  #set(wanted: FilterAction): Result<void, Fault> {
    if (wanted.kind === "broadcast-limit") return this.#filter.setBroadcastLimit(wanted.limit);
    const filter = this.#filter.read();
    if (!filter.ok) return filter;
    const address = wanted.address.toLowerCase();
    const others = filter.value.denied.filter((each) => each !== address);
    return this.#filter.setDenied(wanted.denied ? [...others, address] : others);
  }

  /** The same setting as it is now. */
  #present(like: FilterAction): Outcome<FilterAction> {
    const mesh = this.#meshInterface();
    if (mesh !== like.interface) {
      const message = mesh === null ? "there is no mesh" : `${like.interface} is not the mesh`;
      return failed(fault("E_NO_SUCH_SUBJECT", message));
    }
    const filter = this.#filter.read();
    if (!filter.ok) return failed(actuatorFault(filter.fault));
    const { denied, broadcastLimit } = filter.value;
    return ok(
      like.kind === "frame-deny"
        ? { ...like, denied: denied.includes(like.address.toLowerCase()) }
        : { ...like, limit: broadcastLimit },
    );
  }
}

function isFilter(action: Action): action is FilterAction {
  return (kinds as readonly string[]).includes(action.kind);
}

/** A limit that lets nothing in would cut the mesh: whole broadcasts, one a second at least. */
function problemOf(action: FilterAction): string | null {
  if (action.kind === "frame-deny" || action.limit === null) return null;
  const { perSecond, burst } = action.limit;
  const isCount = (value: number) => Number.isInteger(value) && value >= 1 && value <= 100_000;
  return isCount(perSecond) && isCount(burst)
    ? null
    : `a limit must be a whole number from 1 to 100000, not ${perSecond} with bursts of ${burst}`;
}

function notMine(action: Action): Fault<ActuatorFaultCode> {
  return fault("E_NO_CAPABILITY", `filtering frames does not do "${action.kind}"`);
}

function actuatorFault({ code, message, remedy }: Fault): Fault<ActuatorFaultCode> {
  if (code === "E_NOT_PERMITTED") return fault("E_NOT_PERMITTED", message, remedy);
  if (code === "E_NOT_RUNNING") return fault("E_NO_CAPABILITY", message, remedy);
  return fault("E_ACTION_FAILED", message, remedy);
}

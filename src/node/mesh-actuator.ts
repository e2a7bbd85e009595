/**
 * Carries out the loop's settings of the mesh through batman-adv's port, each read before, read back,
 * and restored only where it still is what we set.
 */

import { type Fault, failed, fault, ok, type Result } from "../base/index.ts";
import {
  type Action,
  type Actuator,
  type ActuatorFaultCode,
  type HandledKind,
  restoreOf,
  type SettingAction,
} from "../mape-k/index.ts";
import {
  type ApplyFault,
  applySetting,
  type BatmanPort,
  interfaceSettings,
  readSetting,
  type Setting,
} from "../mesh/batman/index.ts";

type Outcome<Value = void> = Result<Value, Fault<ActuatorFaultCode>>;
type MeshSettingAction = Extract<SettingAction, { readonly kind: (typeof settingKinds)[number] }>;

const settingKinds = [
  "throughput-override",
  "interface-hop-penalty",
  "elp-interval",
  "mesh-hop-penalty",
  "originator-interval",
  "gateway-mode",
  "mesh-membership",
] as const satisfies readonly SettingAction["kind"][];

export class MeshActuator implements Actuator {
  readonly kinds: readonly HandledKind[] = [...settingKinds, "mesh-reenslave"];
  readonly #port: BatmanPort;
  readonly #meshInterface: () => string | null;

  constructor(parts: {
    readonly port: BatmanPort;
    /** Null: there is no mesh. */
    readonly meshInterface: () => string | null;
  }) {
    this.#port = parts.port;
    this.#meshInterface = parts.meshInterface;
  }

  async undoFor(action: Action, signal: AbortSignal): Promise<Outcome<Action>> {
    if (!isMeshSetting(action)) return failed(notMine(action));
    const mesh = this.#meshOf(action);
    if (!mesh.ok) return mesh;
    const present = await readSetting(this.#port, mesh.value, settingOf(action), signal);
    if (!present.ok) return failed(actuatorFault(present.fault));
    return ok(restoreOf(action, actionOf(action, present.value)));
  }

  async apply(action: Action, signal: AbortSignal): Promise<Outcome> {
    if (action.kind === "mesh-reenslave") return this.#reenslave(action.interface, signal);
    const [wanted, ifNow] = action.kind === "restore" ? [action.to, action.from] : [action, null];
    if (!isMeshSetting(wanted)) return failed(notMine(action));
    const ours = ifNow !== null && isMeshSetting(ifNow) ? settingOf(ifNow) : null;
    return this.#set(wanted, ours, signal);
  }

  async #set(
    wanted: MeshSettingAction,
    ifNow: Setting | null,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const mesh = this.#meshOf(wanted);
    if (!mesh.ok) return mesh;
    const applied = await applySetting(this.#port, mesh.value, settingOf(wanted), signal, ifNow);
    return applied.ok ? ok(undefined) : failed(actuatorFault(applied.fault));
  }

  /** An interface that leaves the mesh loses its settings there: they are given back. */
  async #reenslave(name: string, signal: AbortSignal): Promise<Outcome> {
    const mesh = this.#meshInterface();
    if (mesh === null) return failed(noMesh());
    const state = await this.#port.readState(mesh, signal);
    if (!state.ok) return failed(actuatorFault(state.fault));
    const before = state.value.hardInterfaces.find((each) => each.name === name);
    const membership = (member: boolean): MeshSettingAction => {
      return { kind: "mesh-membership", interface: name, member };
    };
    const out = await this.#set(membership(false), null, signal);
    // Whatever became of that, and of the caller's patience: it ends in the mesh.
    const unbound = new AbortController().signal;
    const back = await this.#set(membership(true), null, unbound);
    if (!back.ok) return back;
    if (!out.ok) return out;
    for (const setting of before === undefined ? [] : interfaceSettings(before)) {
      const given = await applySetting(this.#port, mesh, setting, unbound);
      if (!given.ok) return failed(actuatorFault(given.fault));
    }
    return ok(undefined);
  }

  #meshOf(action: MeshSettingAction): Outcome<string> {
    const mesh = this.#meshInterface();
    if (mesh === null) return failed(noMesh());
    const ofMesh = !("interface" in settingOf(action));
    if (ofMesh && action.interface !== mesh) {
      const message = `${action.interface} is not the mesh interface, ${mesh} is`;
      return failed(fault("E_NO_SUCH_SUBJECT", message));
    }
    return ok(mesh);
  }
}

function isMeshSetting(action: Action): action is MeshSettingAction {
  return (settingKinds as readonly string[]).includes(action.kind);
}

/** In batman-adv's words; the mesh interface itself is not among them. */
function settingOf(action: MeshSettingAction): Setting {
  switch (action.kind) {
    case "mesh-hop-penalty":
      return { kind: action.kind, hopPenalty: action.hopPenalty };
    case "originator-interval":
      return { kind: action.kind, intervalMs: action.intervalMs };
    case "gateway-mode":
      return { kind: action.kind, gateway: action.gateway };
    case "mesh-membership":
      return { kind: "membership", interface: action.interface, member: action.member };
    default:
      return action;
  }
}

/** In the loop's words; `like` says of which interface. */
function actionOf(like: MeshSettingAction, setting: Setting): MeshSettingAction {
  const { interface: on } = like;
  return setting.kind === "membership"
    ? { kind: "mesh-membership", interface: on, member: setting.member }
    : { ...setting, interface: on };
}

function noMesh(): Fault<ActuatorFaultCode> {
  return fault("E_NO_SUCH_SUBJECT", "there is no mesh interface");
}

function notMine(action: Action): Fault<ActuatorFaultCode> {
  return fault("E_NO_CAPABILITY", `batman-adv does not do "${action.kind}"`);
}

const codes: Readonly<Record<ApplyFault["code"], ActuatorFaultCode>> = {
  E_BATMAN_NOT_LOADED: "E_NO_SUCH_SUBJECT",
  E_NO_SUCH_MESH: "E_NO_SUCH_SUBJECT",
  E_NO_SUCH_INTERFACE: "E_NO_SUCH_SUBJECT",
  E_NOT_PERMITTED: "E_NOT_PERMITTED",
  E_NO_COMMAND: "E_NO_CAPABILITY",
  E_BATMAN_TIMEOUT: "E_ACTION_TIMEOUT",
  E_SETTING_SUPERSEDED: "E_SUPERSEDED",
  E_INVALID_SETTING: "E_ACTION_FAILED",
  E_BATMAN_MALFORMED: "E_ACTION_FAILED",
  E_BATMAN_TABLE_TOO_LARGE: "E_ACTION_FAILED",
  E_BATMAN_FAILED: "E_ACTION_FAILED",
  E_SETTING_NOT_TAKEN: "E_ACTION_FAILED",
};

function actuatorFault({ code, message, remedy }: ApplyFault): Fault<ActuatorFaultCode> {
  return fault(codes[code], message, remedy);
}

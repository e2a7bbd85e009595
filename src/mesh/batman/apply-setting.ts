/**
 * Changes one setting and believes only what batman-adv says afterwards. It also knows how a setting
 * looks at present, which is what its undo restores.
 */

import { type Fault, failed, fault, ok, type Result, unreachable } from "../../base/index.ts";
import type { BatmanFault, BatmanPort, Setting } from "./batman-port.ts";
import { kbpsPerUnit } from "./table-reader.ts";
import type { GatewayMode, HardInterface, MeshState } from "./tables.ts";

export type ApplyFault = BatmanFault | Fault<"E_SETTING_NOT_TAKEN" | "E_SETTING_SUPERSEDED">;

export interface Applied {
  /** As it was before. */
  readonly before: Setting;
  readonly changed: boolean;
}

/**
 * Idempotent. `ifNow`: only if it still is what we once set; else somebody else has changed it since,
 * and knows better (E_SETTING_SUPERSEDED, nothing was touched).
 */
export async function applySetting(
  port: BatmanPort,
  meshInterface: string,
  wanted: Setting,
  signal: AbortSignal,
  ifNow: Setting | null = null,
): Promise<Result<Applied, ApplyFault>> {
  const problem = settingProblem(wanted);
  if (problem !== null) return failed(fault("E_INVALID_SETTING", problem));
  const before = await readSetting(port, meshInterface, wanted, signal);
  if (!before.ok) return before;
  if (isSame(before.value, wanted)) return ok({ before: before.value, changed: false });
  if (ifNow !== null && !isSame(before.value, ifNow)) {
    const now = describeSetting(before.value);
    const message = `found ${now} where ${describeSetting(ifNow)} had been set: left alone`;
    return failed(fault("E_SETTING_SUPERSEDED", message));
  }
  const set = await port.set(meshInterface, wanted, signal);
  if (!set.ok) return set;
  const after = await readSetting(port, meshInterface, wanted, signal);
  if (!after.ok) return after;
  if (isSame(after.value, wanted)) return ok({ before: before.value, changed: true });
  const message = `${describeSetting(wanted)} was accepted, but batman-adv says ${describeSetting(after.value)}`;
  return failed(fault("E_SETTING_NOT_TAKEN", message));
}

/** The setting of that kind, on that interface, as it is now. */
export async function readSetting(
  port: BatmanPort,
  meshInterface: string,
  like: Setting,
  signal: AbortSignal,
): Promise<Result<Setting, BatmanFault>> {
  const state = await port.readState(meshInterface, signal);
  if (!state.ok) return state;
  const present = presentSetting(state.value, like);
  if (present !== null) return ok(present);
  const where = "interface" in like ? like.interface : meshInterface;
  const message = `${where} has no ${like.kind}: it is no interface of ${meshInterface}, or the kernel is too old`;
  return failed(fault("E_NO_SUCH_INTERFACE", message));
}

/** Null when the state has no such value. */
function presentSetting(state: MeshState, like: Setting): Setting | null {
  const { settings, hardInterfaces } = state;
  const on = (name: string) => hardInterfaces.find((candidate) => candidate.name === name);
  switch (like.kind) {
    case "throughput-override": {
      const throughputKbps = on(like.interface)?.throughputOverrideKbps ?? null;
      return throughputKbps === null ? null : { ...like, throughputKbps };
    }
    case "interface-hop-penalty": {
      const hopPenalty = on(like.interface)?.hopPenalty ?? null;
      return hopPenalty === null ? null : { ...like, hopPenalty };
    }
    case "elp-interval": {
      const intervalMs = on(like.interface)?.elpIntervalMs ?? null;
      return intervalMs === null ? null : { ...like, intervalMs };
    }
    case "mesh-hop-penalty":
      return { ...like, hopPenalty: settings.hopPenalty };
    case "originator-interval":
      return { ...like, intervalMs: settings.originatorIntervalMs };
    case "gateway-mode":
      return { ...like, gateway: settings.gateway };
    case "membership":
      return { ...like, member: on(like.interface) !== undefined };
    default:
      return unreachable(like);
  }
}

/** What a hard interface loses when it leaves the mesh, so that it can be given back. */
export function interfaceSettings(of: HardInterface): readonly Setting[] {
  const { name, throughputOverrideKbps, hopPenalty, elpIntervalMs } = of;
  const settings: Setting[] = [];
  if (elpIntervalMs !== null) {
    settings.push({ kind: "elp-interval", interface: name, intervalMs: elpIntervalMs });
  }
  if (hopPenalty !== null) {
    settings.push({ kind: "interface-hop-penalty", interface: name, hopPenalty });
  }
  if (throughputOverrideKbps !== null) {
    const throughputKbps = throughputOverrideKbps;
    settings.push({ kind: "throughput-override", interface: name, throughputKbps });
  }
  return settings;
}

const maxUint32 = 0xffff_ffff;

/** What batman-adv would refuse, or worse, take and turn into something else; null when all is well. */
function settingProblem(setting: Setting): string | null {
  const within = (value: number, from: number, to: number, what: string): string | null =>
    Number.isInteger(value) && value >= from && value <= to
      ? null
      : `${what} must be a whole number from ${from} to ${to}, not ${value}`;
  switch (setting.kind) {
    case "throughput-override":
      return inUnits(setting.throughputKbps, "a throughput override");
    case "interface-hop-penalty":
    case "mesh-hop-penalty":
      return within(setting.hopPenalty, 0, 255, "a hop penalty");
    // BATADV_JITTER: two of them must fit into an interval (net/batman-adv/netlink.c).
    case "elp-interval":
    case "originator-interval":
      return within(setting.intervalMs, 40, 2_147_483_647, "an interval in milliseconds");
    case "gateway-mode":
      return gatewayProblem(setting.gateway);
    case "membership":
      return null;
    default:
      return unreachable(setting);
  }
}

function gatewayProblem(gateway: GatewayMode): string | null {
  switch (gateway.mode) {
    case "off":
      return null;
    case "client":
      return gateway.selectionClass >= 1 && gateway.selectionClass <= maxUint32
        ? null
        : `a selection class must be at least 1, not ${gateway.selectionClass}`;
    case "server":
      return (
        inUnits(gateway.downKbps, "a download bandwidth") ??
        inUnits(gateway.upKbps, "an upload bandwidth")
      );
    default:
      return unreachable(gateway);
  }
}

/** `1kbit` would be rounded to 0, which means "none". */
function inUnits(kbps: number, what: string): string | null {
  return Number.isInteger(kbps / kbpsPerUnit) && kbps >= 0 && kbps / kbpsPerUnit <= maxUint32
    ? null
    : `${what} must be a multiple of ${kbpsPerUnit} kbit/s, not ${kbps}`;
}

function isSame(one: Setting, other: Setting): boolean {
  return describeSetting(one) === describeSetting(other);
}

/** One line for people; equal lines are equal settings. */
function describeSetting(setting: Setting): string {
  switch (setting.kind) {
    case "throughput-override":
      return `throughput override ${setting.throughputKbps} kbit/s on ${setting.interface}`;
    case "interface-hop-penalty":
      return `hop penalty ${setting.hopPenalty} on ${setting.interface}`;
    case "elp-interval":
      return `ELP interval ${setting.intervalMs} ms on ${setting.interface}`;
    case "mesh-hop-penalty":
      return `hop penalty ${setting.hopPenalty}`;
    case "originator-interval":
      return `originator interval ${setting.intervalMs} ms`;
    case "gateway-mode":
      return describeGateway(setting.gateway);
    case "membership":
      return `${setting.interface} ${setting.member ? "in" : "out of"} the mesh`;
    default:
      return unreachable(setting);
  }
}

function describeGateway(gateway: GatewayMode): string {
  switch (gateway.mode) {
    case "off":
      return "gateway mode off";
    case "client":
      return `gateway mode client, selection class ${gateway.selectionClass}`;
    case "server":
      return `gateway mode server, ${gateway.downKbps}/${gateway.upKbps} kbit/s`;
    default:
      return unreachable(gateway);
  }
}

/** A setting in batman-adv's own words and units: netlink attributes, and arguments of batctl. */

import { unreachable } from "../../base/index.ts";
import type { Setting } from "./batman-port.ts";
import type { NetlinkValue } from "./netlink-attributes.ts";
import { kbpsPerUnit } from "./table-reader.ts";
import type { RoutingAlgorithm } from "./tables.ts";

/** What is set by attributes; membership is rtnetlink's business. */
export type ValueSetting = Exclude<Setting, { readonly kind: "membership" }>;

/** `enum batadv_gw_modes`. */
const gatewayModes = { off: 0, client: 1, server: 2 } as const;

export function settingValues(setting: ValueSetting): readonly NetlinkValue[] {
  switch (setting.kind) {
    case "throughput-override":
      return [{ name: "throughput_override", uint32: setting.throughputKbps / kbpsPerUnit }];
    case "interface-hop-penalty":
    case "mesh-hop-penalty":
      return [{ name: "hop_penalty", uint8: setting.hopPenalty }];
    case "elp-interval":
      return [{ name: "elp_interval", uint32: setting.intervalMs }];
    case "originator-interval":
      return [{ name: "orig_interval", uint32: setting.intervalMs }];
    case "gateway-mode": {
      const { gateway } = setting;
      const mode: NetlinkValue = { name: "gw_mode", uint8: gatewayModes[gateway.mode] };
      if (gateway.mode === "client") {
        return [mode, { name: "gw_sel_class", uint32: gateway.selectionClass }];
      }
      if (gateway.mode === "off") return [mode];
      return [
        mode,
        { name: "gw_bandwidth_down", uint32: gateway.downKbps / kbpsPerUnit },
        { name: "gw_bandwidth_up", uint32: gateway.upKbps / kbpsPerUnit },
      ];
    }
    default:
      return unreachable(setting);
  }
}

/** The arguments of `batctl`; a selection class is a bandwidth under BATMAN_V. */
export function settingArguments(
  setting: Setting,
  meshInterface: string,
  algorithm: RoutingAlgorithm,
): readonly string[] {
  const mesh = ["meshif", meshInterface];
  switch (setting.kind) {
    case "throughput-override":
      return hardInterface(setting, "throughput_override", `${setting.throughputKbps}kbit`);
    case "interface-hop-penalty":
      return hardInterface(setting, "hop_penalty", `${setting.hopPenalty}`);
    case "elp-interval":
      return hardInterface(setting, "elp_interval", `${setting.intervalMs}`);
    case "mesh-hop-penalty":
      return [...mesh, "hop_penalty", `${setting.hopPenalty}`];
    case "originator-interval":
      return [...mesh, "orig_interval", `${setting.intervalMs}`];
    case "membership":
      // -M: creates no mesh interface, and removes none that has become empty.
      return [...mesh, "interface", "-M", setting.member ? "add" : "del", setting.interface];
    case "gateway-mode": {
      const { gateway } = setting;
      if (gateway.mode === "off") return [...mesh, "gw_mode", "off"];
      if (gateway.mode === "server") {
        const bandwidth = `${gateway.downKbps}kbit/${gateway.upKbps}kbit`;
        return [...mesh, "gw_mode", "server", bandwidth];
      }
      const selection =
        algorithm === "BATMAN_V"
          ? `${gateway.selectionClass * kbpsPerUnit}kbit`
          : `${gateway.selectionClass}`;
      return [...mesh, "gw_mode", "client", selection];
    }
    default:
      return unreachable(setting);
  }
}

function hardInterface(
  { interface: name }: { readonly interface: string },
  setting: string,
  value: string,
): readonly string[] {
  return ["hardif", name, setting, value];
}

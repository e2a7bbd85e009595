/**
 * From rows of attributes to tables: every field checked, every unit turned into ours. Throughput
 * comes in kbit/s in the originator and neighbour tables, but in 100 kbit/s in the gateway table and
 * in all settings (net/batman-adv/bat_v.c, netlink.c); batctl's JSON hands on what netlink gave.
 */

import { failed, fault, ok, type Result } from "../../base/index.ts";
import type { AttributeName, Attributes } from "./attributes.ts";
import type { BatmanFault } from "./batman-port.ts";
import type { MacAddress } from "./mac-address.ts";
import type {
  Gateway,
  GatewayMode,
  GlobalTranslation,
  HardInterface,
  MeshSettings,
  Neighbour,
  Path,
  Quality,
  RoutingAlgorithm,
  Translation,
} from "./tables.ts";

/** In batman-adv's own unit, 100 kbit/s. */
export const kbpsPerUnit = 100;

/** Null: the row is not what it should be. */
export type RowReader<Row> = (row: Attributes) => Row | null;

export function readMeshSettings(row: Attributes): MeshSettings | null {
  const name = nameOf(row, "mesh_ifname");
  const index = row.integer("mesh_ifindex");
  const algorithm = row.text("algo_name");
  const address = row.address("mesh_address");
  const hopPenalty = row.integer("hop_penalty");
  const originatorIntervalMs = row.integer("orig_interval");
  const gateway = gatewayMode(row);
  if (name === null || index === null || address === null || gateway === null) return null;
  if (hopPenalty === null || originatorIntervalMs === null || !isAlgorithm(algorithm)) return null;
  return {
    name,
    index,
    algorithm,
    moduleVersion: row.text("version") ?? "unknown",
    address,
    originator: row.address("hard_address"),
    gateway,
    hopPenalty,
    originatorIntervalMs,
  };
}

function isAlgorithm(name: string | null): name is RoutingAlgorithm {
  return name === "BATMAN_IV" || name === "BATMAN_V";
}

/** A kernel without gateway support (CONFIG_BATMAN_ADV_...) leaves the attribute out: that is off. */
function gatewayMode(row: Attributes): GatewayMode | null {
  const mode = row.has("gw_mode") ? row.integer("gw_mode") : 0;
  switch (mode) {
    case 0:
      return { mode: "off" };
    case 1: {
      const selectionClass = row.integer("gw_sel_class");
      return selectionClass === null ? null : { mode: "client", selectionClass };
    }
    case 2: {
      const down = row.integer("gw_bandwidth_down");
      const up = row.integer("gw_bandwidth_up");
      if (down === null || up === null) return null;
      return { mode: "server", downKbps: down * kbpsPerUnit, upKbps: up * kbpsPerUnit };
    }
    default:
      return null;
  }
}

export function readHardInterface(row: Attributes): HardInterface | null {
  const name = nameOf(row, "hard_ifname");
  const index = row.integer("hard_ifindex");
  const address = row.address("hard_address");
  if (name === null || index === null || address === null) return null;
  const override = row.integer("throughput_override");
  return {
    name,
    index,
    address,
    active: row.has("active"),
    hopPenalty: row.integer("hop_penalty"),
    elpIntervalMs: row.integer("elp_interval"),
    throughputOverrideKbps: override === null ? null : override * kbpsPerUnit,
  };
}

export function readNeighbour(row: Attributes): Neighbour | null {
  const address = row.address("neigh_address");
  const on = nameOf(row, "hard_ifname");
  const lastSeenMs = row.integer("last_seen_msecs");
  if (address === null || on === null || lastSeenMs === null) return null;
  return { address, interface: on, lastSeenMs, quality: row.integer("throughput") };
}

export function readPath(row: Attributes): Path | null {
  const originator = row.address("orig_address");
  const neighbour = row.address("neigh_address");
  const on = nameOf(row, "hard_ifname");
  const lastSeenMs = row.integer("last_seen_msecs");
  const quality = qualityOf(row);
  if (originator === null || neighbour === null || on === null) return null;
  if (lastSeenMs === null || quality === null) return null;
  return { originator, neighbour, interface: on, quality, lastSeenMs, best: row.has("best") };
}

export function readGateway(row: Attributes): Gateway | null {
  const originator = row.address("orig_address");
  const router = row.address("router");
  const on = nameOf(row, "hard_ifname");
  const throughput = row.integer("throughput");
  const quality = throughput === null ? row.integer("tq") : throughput * kbpsPerUnit;
  const down = row.integer("bandwidth_down");
  const up = row.integer("bandwidth_up");
  if (originator === null || router === null || on === null) return null;
  if (quality === null || down === null || up === null) return null;
  return {
    originator,
    router,
    interface: on,
    quality,
    selected: row.has("best"),
    downKbps: down * kbpsPerUnit,
    upKbps: up * kbpsPerUnit,
  };
}

export function readLocalTranslation(row: Attributes): Translation | null {
  const client = row.address("tt_address");
  const flags = row.integer("tt_flags");
  const vlan = vlanOf(row);
  return client === null || flags === null || vlan === null ? null : { client, vlan, flags };
}

export function readGlobalTranslation(row: Attributes): GlobalTranslation | null {
  const translation = readLocalTranslation(row);
  const originator: MacAddress | null = row.address("orig_address");
  if (translation === null || originator === null) return null;
  return { ...translation, originator, best: row.has("best") };
}

function qualityOf(row: Attributes): Quality | null {
  return row.integer("throughput") ?? row.integer("tq");
}

/** Bit 15 (BATADV_VLAN_HAS_TAG) says that there is one; batctl has turned none into -1 already. */
function vlanOf(row: Attributes): number | null {
  const vid = row.integer("tt_vid");
  if (vid === null || vid < 0) return vid;
  return (vid & 0x8000) === 0 ? -1 : vid & 0xfff;
}

function nameOf(row: Attributes, attribute: AttributeName): string | null {
  const name = row.text(attribute);
  return name === "" ? null : name;
}

/** A table beyond this is no mesh's: 1,000 originators heard over 30 neighbours. */
export const maxRows = 32_768;

export function tooManyRows(table: string): BatmanFault {
  const message = `the table of ${table} has more than ${maxRows} rows`;
  return fault("E_BATMAN_TABLE_TOO_LARGE", message);
}

/** All rows or none: half a table would be read as a mesh that has fallen apart. */
export function readRows<Row>(
  table: string,
  rows: readonly Attributes[],
  read: RowReader<Row>,
): Result<readonly Row[], BatmanFault> {
  if (rows.length > maxRows) return failed(tooManyRows(table));
  const found: Row[] = [];
  for (const row of rows) {
    const decoded = read(row);
    if (decoded === null) return failed(oddRow(table));
    found.push(decoded);
  }
  return ok(found);
}

export function oddRow(table: string): BatmanFault {
  return fault("E_BATMAN_MALFORMED", `a row of the table of ${table} lacks a field`);
}

/**
 * The attributes of batman-adv's generic netlink family (`enum batadv_nl_attrs`,
 * linux/batman_adv.h), and the one way in which both back ends are read. batctl's JSON has the same
 * attributes, under these names, so a table is decoded once, not once per back end.
 */

import type { MacAddress } from "./mac-address.ts";

export const attributeNumbers = {
  version: 1,
  algo_name: 2,
  mesh_ifindex: 3,
  mesh_ifname: 4,
  mesh_address: 5,
  hard_ifindex: 6,
  hard_ifname: 7,
  hard_address: 8,
  orig_address: 9,
  active: 15,
  tt_address: 16,
  tt_vid: 20,
  tt_flags: 21,
  best: 22,
  last_seen_msecs: 23,
  neigh_address: 24,
  tq: 25,
  throughput: 26,
  bandwidth_up: 27,
  bandwidth_down: 28,
  router: 29,
  gw_bandwidth_down: 49,
  gw_bandwidth_up: 50,
  gw_mode: 51,
  gw_sel_class: 52,
  hop_penalty: 53,
  orig_interval: 57,
  elp_interval: 58,
  throughput_override: 59,
} as const;

export type AttributeName = keyof typeof attributeNumbers;

/** `enum batadv_nl_commands`. */
export const commands = {
  getMesh: 1,
  getHardInterfaces: 5,
  getLocalTranslations: 6,
  getGlobalTranslations: 7,
  getOriginators: 8,
  getNeighbours: 9,
  getGateways: 10,
  setMesh: 15,
  setHardInterface: 16,
} as const;

/** One row of a table. Null: it does not have that attribute, or not in that form. */
export interface Attributes {
  has(name: AttributeName): boolean;
  integer(name: AttributeName): number | null;
  address(name: AttributeName): MacAddress | null;
  text(name: AttributeName): string | null;
}

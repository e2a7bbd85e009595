/**
 * What batman-adv knows, as plain data in one set of units, whichever way it was read. The kernel
 * and batctl mix three units for throughput (see table-reader.ts); here it is always kbit/s.
 */

import type { MacAddress } from "./mac-address.ts";

export type RoutingAlgorithm = "BATMAN_IV" | "BATMAN_V";

/**
 * What a path or a link is worth, higher is better. BATMAN_IV: the transmit quality (TQ), 0 to 255.
 * BATMAN_V: the throughput in kbit/s.
 */
export type Quality = number;

export interface HardInterface {
  readonly name: string;
  readonly index: number;
  readonly address: MacAddress;
  /** It is up and sends and receives for the mesh. */
  readonly active: boolean;
  /** 0 to 255; works on BATMAN_IV. Null: this kernel has none per interface (before 5.9). */
  readonly hopPenalty: number | null;
  readonly elpIntervalMs: number | null;
  /** 0: none, batman-adv estimates by itself. Works on BATMAN_V. */
  readonly throughputOverrideKbps: number | null;
}

/** A node one hop away, heard on one interface. */
export interface Neighbour {
  readonly address: MacAddress;
  readonly interface: string;
  readonly lastSeenMs: number;
  /** BATMAN_IV has none in this table; see `linkQuality`. */
  readonly quality: Quality | null;
}

/** One way to an originator. An originator has one path per neighbour that announced it. */
export interface Path {
  readonly originator: MacAddress;
  /** The next hop's address on the link. */
  readonly neighbour: MacAddress;
  readonly interface: string;
  readonly quality: Quality;
  readonly lastSeenMs: number;
  /** Traffic to this originator takes it. */
  readonly best: boolean;
}

export interface Gateway {
  readonly originator: MacAddress;
  /** The next hop on the way to it. */
  readonly router: MacAddress;
  readonly interface: string;
  readonly quality: Quality;
  /** The one this node sends DHCP requests to. */
  readonly selected: boolean;
  /** As it announces itself. */
  readonly downKbps: number;
  readonly upKbps: number;
}

export type GatewayMode =
  | { readonly mode: "off" }
  /** `selectionClass` as the kernel has it: IV 1 to 255, V a bandwidth in 100 kbit/s. */
  | { readonly mode: "client"; readonly selectionClass: number }
  | { readonly mode: "server"; readonly downKbps: number; readonly upKbps: number };

export interface MeshSettings {
  readonly name: string;
  readonly index: number;
  readonly algorithm: RoutingAlgorithm;
  /** As `/sys/module/batman_adv/version`. */
  readonly moduleVersion: string;
  /** Of the mesh interface. */
  readonly address: MacAddress;
  /** This node's originator address: that of its primary interface; null while it has none. */
  readonly originator: MacAddress | null;
  readonly gateway: GatewayMode;
  /** 0 to 255. */
  readonly hopPenalty: number;
  readonly originatorIntervalMs: number;
}

/** What can be set, and is read back. */
export interface MeshState {
  readonly settings: MeshSettings;
  readonly hardInterfaces: readonly HardInterface[];
}

export interface MeshTables extends MeshState {
  readonly neighbours: readonly Neighbour[];
  readonly paths: readonly Path[];
  readonly gateways: readonly Gateway[];
}

/** A client of the mesh, and the node behind which it is. */
export interface Translation {
  readonly client: MacAddress;
  /** -1 without one. */
  readonly vlan: number;
  /** `BATADV_TT_CLIENT_*`. */
  readonly flags: number;
}

export interface GlobalTranslation extends Translation {
  readonly originator: MacAddress;
  /** Of several nodes that offer it, the one that is used. */
  readonly best: boolean;
}

export interface Translations {
  readonly local: readonly Translation[];
  readonly global: readonly GlobalTranslation[];
}

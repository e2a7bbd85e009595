/**
 * What the node sees in one beat. Each section comes from one sensor; `null` means "not observed
 * this beat" (no such sensor, or it failed), which is not the same as "observed, and empty".
 * Counters are cumulative as the kernel gives them; rates are derived from the time series.
 */

import type { Fault } from "../base/index.ts";

/** RFC 2863 ifOperStatus, in the kernel's spelling (`/sys/class/net/<if>/operstate`). */
export type OperState =
  | "up"
  | "down"
  | "dormant"
  | "testing"
  | "lowerlayerdown"
  | "notpresent"
  | "unknown";

export interface InterfaceReading {
  readonly name: string;
  /** The kernel's ifindex: a re-created interface has a new one. */
  readonly index: number;
  /** IFF_UP: somebody wants this interface up. */
  readonly adminUp: boolean;
  readonly operState: OperState;
  readonly mtuBytes: number;
  /** It stands on others (a bridge, a VLAN, bat0): their carrier is its carrier. */
  readonly stacked: boolean;
  /** How often the carrier came or went since the interface exists. */
  readonly carrierChanges: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly rxErrors: number;
  readonly txErrors: number;
  readonly rxDrops: number;
  readonly txDrops: number;
}

export type Reachability =
  | { readonly kind: "reachable"; readonly latencyMs: number }
  | { readonly kind: "unreachable"; readonly reason: string }
  /** No probe has ended yet, or this node could not ask; then the reason says why. */
  | { readonly kind: "unknown"; readonly reason?: string };

export interface TargetReading {
  readonly name: string;
  /** `tcp://host:port` or `icmp://host`. */
  readonly url: string;
  readonly reachability: Reachability;
  /** Failed probes since the last good one. */
  readonly failuresInARow: number;
  /** Probes that have ended since the start. */
  readonly probes: number;
  readonly failures: number;
}

/** `/proc/net/snmp` and `/proc/net/netstat`, cumulative since boot. */
export interface TransportReading {
  readonly sentSegments: number;
  readonly retransmittedSegments: number;
  readonly listenOverflows: number;
  readonly listenDrops: number;
}

export type PressureResource = "cpu" | "memory" | "io";

/** Pressure stall information (`/proc/pressure/*`, Documentation/accounting/psi.rst). */
export interface PressureReading {
  readonly resource: PressureResource;
  /** Share of the last 10 s in which some task was stalled, 0 to 1. */
  readonly someRatio: number;
  /** Share of the last 10 s in which all tasks were stalled, 0 to 1. */
  readonly fullRatio: number;
}

export interface StorageReading {
  readonly path: string;
  readonly totalBytes: number;
  readonly availableBytes: number;
  /** False once a write was refused (full, read-only, failing). */
  readonly writable: boolean;
}

export interface ProcessReading {
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  /** CPU time of this process since its start. */
  readonly cpuMs: number;
  /** The worst delay of the event loop since the last beat. */
  readonly eventLoopDelayMaxMs: number;
}

/**
 * What a path or a link of the mesh is worth, higher is better. BATMAN_IV: the transmit quality (TQ), 0
 * to 255. BATMAN_V: throughput in kbit/s.
 */
export type MeshQuality = number;

export interface MeshInterfaceReading {
  readonly name: string;
  /** It sends and receives for the mesh. */
  readonly active: boolean;
  /** Null: this kernel has no such setting. */
  readonly hopPenalty: number | null;
  readonly elpIntervalMs: number | null;
  /** 0: none. */
  readonly throughputOverrideKbps: number | null;
}

/** One neighbour on one interface, and what of this node's traffic the link carries. */
export interface MeshLinkReading {
  /** Its address on the link. */
  readonly neighbour: string;
  readonly interface: string;
  readonly lastSeenMs: number;
  readonly quality: MeshQuality | null;
  /** Originators whose best path leads over it. */
  readonly routes: number;
  /** Those of them that have no path over another interface. */
  readonly routesWithoutAlternative: number;
  /** The best of the paths in use over this link; null without any. */
  readonly bestRouteQuality: MeshQuality | null;
  /** Of each route's best alternative the worst: below it, all routes move. */
  readonly worstAlternativeQuality: MeshQuality | null;
}

export interface MeshGatewayReading {
  readonly originator: string;
  readonly selected: boolean;
  readonly quality: MeshQuality;
  readonly downKbps: number;
  readonly upKbps: number;
}

/** batman-adv, as this node has it. */
export interface MeshReading {
  /** The mesh interface, such as `bat0`. */
  readonly name: string;
  readonly algorithm: "BATMAN_IV" | "BATMAN_V";
  readonly originators: number;
  /** Changes of next hops since this process started. */
  readonly pathSwitches: number;
  readonly hopPenalty: number;
  readonly originatorIntervalMs: number;
  readonly gatewayMode: "off" | "client" | "server";
  readonly interfaces: readonly MeshInterfaceReading[];
  readonly links: readonly MeshLinkReading[];
  readonly gateways: readonly MeshGatewayReading[];
}

export interface MessageCount {
  /** Sent, as far as the numbers show; cumulative. */
  readonly expected: number;
  readonly received: number;
  /** Due by now and not seen; no later message has shown yet that they are lost. */
  readonly overdue: number;
}

/**
 * The numbered messages (ELP, OGM) of one neighbour on one interface, as the kernel program counts
 * them: all of them are sent whether or not traffic takes the link.
 */
export interface LinkLossReading extends MessageCount {
  readonly neighbour: string;
  readonly interface: string;
  /** Our own messages as the neighbour repeats them, lost on the way there or back. BATMAN_IV only. */
  readonly echoes: MessageCount;
}

/** The sections of an observation, each as its sensor delivers it. */
export interface Sections {
  readonly interfaces: readonly InterfaceReading[];
  readonly targets: readonly TargetReading[];
  readonly transport: TransportReading;
  readonly pressure: readonly PressureReading[];
  readonly storage: readonly StorageReading[];
  readonly process: ProcessReading;
  readonly mesh: MeshReading;
  readonly linkLoss: readonly LinkLossReading[];
}

export type SectionName = keyof Sections;

export interface SensorFault {
  readonly sensor: SectionName;
  readonly fault: Fault;
}

export type Observation = { readonly [Name in SectionName]: Sections[Name] | null } & {
  /** Counts beats since this process started. */
  readonly beat: number;
  /** Monotonic milliseconds. */
  readonly atMs: number;
  /** Unix milliseconds, a label for people. */
  readonly wallMs: number;
  readonly faults: readonly SensorFault[];
};

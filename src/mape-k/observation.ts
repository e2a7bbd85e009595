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

/** The sections of an observation, each as its sensor delivers it. */
export interface Sections {
  readonly interfaces: readonly InterfaceReading[];
  readonly targets: readonly TargetReading[];
  readonly transport: TransportReading;
  readonly pressure: readonly PressureReading[];
  readonly storage: readonly StorageReading[];
  readonly process: ProcessReading;
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

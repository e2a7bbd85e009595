/**
 * The one configuration of a node: frozen, validated, complete. It is compiled once, from
 * `meshmend.yaml`, then `MESHMEND_*`, then flags, and handed to the composition root.
 */

import type { NodeId } from "../base/index.ts";

export type Mode = "observe" | "confirm" | "act";
export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFormat = "auto" | "json" | "pretty";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface ProbeTarget {
  readonly name: string;
  /** `tcp://host:port` or `icmp://host`. */
  readonly url: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

export type SourceState = "auto" | "on" | "off";

/** How other nodes that run meshmend are found. */
export interface DiscoveryConfig {
  readonly mdns: SourceState;
  /** Where multicast DNS is spoken and whose lease is read; `auto`: the mesh interface. */
  readonly interface: string;
  /** HTTP addresses of other nodes. */
  readonly seeds: readonly HostPort[];
  readonly dhcp: SourceState;
  /** 224 to 254. */
  readonly dhcpOption: number;
  readonly announceIntervalMs: number;
}

export interface NodeConfig {
  readonly nodeId: NodeId;
  readonly dataDir: string;
  readonly mode: Mode;
  readonly http: {
    readonly listen: HostPort;
    /** Request bodies above this are refused with 413. */
    readonly maxBodyBytes: number;
    readonly maxConnections: number;
    /** Allows a listener that is not loopback, without authentication. */
    readonly insecure: boolean;
  };
  readonly loop: {
    /** The beat: 100 to 60,000 ms. */
    readonly periodMs: number;
    /** Beats of history kept per series. */
    readonly windowBeats: number;
    /** Series kept at most; what comes after is not recorded and counted. */
    readonly maxSeries: number;
    /** Decisions kept on disk. */
    readonly keepDecisions: number;
  };
  readonly interfaces: {
    /** Glob patterns (`*` and `?`) of interfaces to watch. */
    readonly include: readonly string[];
    readonly exclude: readonly string[];
  };
  readonly mesh: {
    /** A batman-adv interface; `auto`: the one there is; `none`: not looked at. */
    readonly interface: string;
    readonly discovery: DiscoveryConfig;
  };
  readonly targets: readonly ProbeTarget[];
  readonly repair: {
    /** Glob patterns of interfaces that may be touched in mode `confirm` and `act`. */
    readonly interfaces: readonly string[];
    /** Disruptive actions allowed per hour. */
    readonly budgetPerHour: number;
    /** The first wait after a repair that did not help; doubles each time, up to an hour. */
    readonly coolDownMs: number;
    /** How long a repair has to show that it helped. */
    readonly verifyMs: number;
    /** How long a plan waits for a person in mode `confirm`. */
    readonly confirmMs: number;
  };
  readonly thresholds: {
    /** Carrier changes within `flapWindowMs` from which an interface flaps. */
    readonly flapChanges: number;
    readonly flapWindowMs: number;
    /** Errors or drops as a share of packets, 0 to 1. */
    readonly errorRatio: number;
    readonly dropRatio: number;
    /** Failed probes in a row. */
    readonly targetFailures: number;
    readonly retransmitRatio: number;
    /** PSI `some` over 10 s, 0 to 1. */
    readonly pressureRatio: number;
    /** Free share of the data directory's file system, 0 to 1. */
    readonly storageFreeRatio: number;
    /** Share of a neighbour's messages lost, 0 to 1, from which its link is bad. */
    readonly linkLossRatio: number;
    /** A neighbour is silent after so many of its intervals. */
    readonly silentIntervals: number;
  };
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
  readonly telemetry: {
    /** OTLP/HTTP endpoint, e.g. http://127.0.0.1:4318/v1/traces; null turns tracing off. */
    readonly otlpEndpoint: string | null;
  };
}

/**
 * What the HTTP face needs from the rest of the node. The shapes are those of the served
 * schemas, so what a route promises and what a port delivers cannot drift apart; the loop's
 * `LoopView` fits `LoopPort` by structure.
 */

import type { Static } from "typebox";
import type { Clock, Fault, HealthSource, HealthState, Logger, Result } from "../../base/index.ts";
import type { StorePort } from "../store-port.ts";
import type {
  beatStatisticsSchema,
  clusterSchema,
  decisionSchema,
  dryRunSchema,
  loopEventSchema,
  modeSchema,
  networkGraphSchema,
  observationSchema,
  peersSchema,
  seriesSchema,
  symptomSchema,
} from "./schemas/index.ts";

/** A served shape as its producer has it: nobody writes to it. */
export type Shown<Shape> = Shape extends readonly (infer Item)[]
  ? readonly Shown<Item>[]
  : Shape extends object
    ? { readonly [Key in keyof Shape]: Shown<Shape[Key]> }
    : Shape;

export type ShownObservation = Shown<Static<typeof observationSchema>>;
export type ShownSymptom = Shown<Static<typeof symptomSchema>>;
export type ShownDecision = Shown<Static<typeof decisionSchema>>;
export type ShownDryRun = Shown<Static<typeof dryRunSchema>>;
export type ShownSeries = Shown<Static<typeof seriesSchema>>;
export type ShownEvent = Shown<Static<typeof loopEventSchema>>;
export type ShownStatistics = Shown<Static<typeof beatStatisticsSchema>>;

/** The loop, as far as it is shown. */
export interface LoopPort {
  readonly mode: Static<typeof modeSchema>;
  statistics(): ShownStatistics;
  latestObservation(): ShownObservation | null;
  seriesSubjects(): readonly string[];
  series(of: string): ShownSeries | null;
  symptoms(): readonly ShownSymptom[];
  dryRun(): readonly ShownDryRun[];
  decisions(query: {
    readonly limit: number;
    readonly before?: string;
  }): Promise<Result<readonly ShownDecision[]>>;
  decision(id: string): Promise<Result<ShownDecision | null>>;
  confirm(
    id: string,
    approve: boolean,
  ): Result<void, Fault<"E_NO_SUCH_DECISION" | "E_NOT_WAITING" | "E_BUSY">>;
  eventsAfter(sequence: number): readonly ShownEvent[];
  onEvent(listener: (event: ShownEvent) => void): () => void;
}

/** The mesh as this node can draw it; a fault says why it cannot. */
export interface MeshPort {
  networkGraph(): Result<Shown<Static<typeof networkGraphSchema>>, Fault<"E_MESH_NOT_SEEN">>;
  /** As Freifunk's meshviewer reads it; its shape is meshviewer's. */
  meshviewer(): Result<object, Fault<"E_MESH_NOT_SEEN">>;
  /** In Graphviz's language. */
  dot(): Result<string, Fault<"E_MESH_NOT_SEEN">>;
}

/** Who else runs meshmend. */
export interface PeersPort {
  peers(): Shown<Static<typeof peersSchema>>;
}

/** The group of this node. Changes resolve once they are agreed on. */
export interface ClusterPort {
  view(): Shown<Static<typeof clusterSchema>>;
  add(member: {
    readonly id: string;
    readonly address: string;
    readonly promote: boolean;
  }): Promise<Result<void>>;
  remove(id: string): Promise<Result<void>>;
  promote(id: string): Promise<Result<void>>;
  /** Null leaves the choice to the leader. */
  transfer(target: string | null): Promise<Result<void>>;
}

/** The agreed map. */
export type KvPort = Pick<StorePort, "range" | "put" | "deleteRange" | "transaction" | "watch">;

export type RejectionReason =
  | "body_too_large"
  | "header_too_large"
  | "uri_too_long"
  | "timeout"
  | "malformed"
  | "connection_limit"
  | "requests_per_connection"
  | "pipeline_limit"
  | "stream_limit"
  | "host_not_allowed"
  | "origin_not_allowed"
  | "media_type"
  | "expectation";

/** Where the server reports what it did, and what it serves as `/metrics`. */
export interface MetricsPort {
  text(): Promise<string>;
  readonly contentType: string;
  httpAnswered(request: {
    readonly method: string;
    readonly route: string;
    readonly status: number;
    readonly durationMs: number | null;
  }): void;
  httpRejected(reason: RejectionReason): void;
  sseClients(count: number): void;
  sseDropped(): void;
  componentState(component: string, state: HealthState): void;
}

export interface HttpServerParts {
  readonly loop: LoopPort;
  readonly mesh: MeshPort;
  readonly peers: PeersPort;
  readonly cluster: ClusterPort;
  readonly kv: KvPort;
  readonly metrics: MetricsPort;
  /** The components of the node; the server adds itself as `http`. Asked anew each time. */
  readonly health: () => readonly HealthSource[];
  /** The same clock the loop stamps its observations with. */
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface HttpServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly maxBodyBytes: number;
  readonly maxConnections: number;
  /** Serve without authentication on an address others can reach. */
  readonly insecure: boolean;
  readonly node: string;
  readonly version: string;
  /** Components that must not be failed for `/health/ready`. */
  readonly requiredComponents: readonly string[];
}

export type ListenFaultCode =
  | "E_LISTEN_NOT_LOOPBACK"
  | "E_ADDRESS_IN_USE"
  | "E_ADDRESS_NOT_AVAILABLE"
  | "E_ADDRESS_NOT_PERMITTED"
  | "E_LISTEN_FAILED";

export interface HttpServer extends HealthSource {
  /** Resolves to the address it listens on, with the real port when 0 was asked for. */
  start(): Promise<
    Result<{ readonly host: string; readonly port: number }, Fault<ListenFaultCode>>
  >;
  /** Ends streams, stops accepting, cuts what is left after a second. Never throws. */
  stop(): Promise<void>;
}

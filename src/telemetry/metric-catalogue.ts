/**
 * Every metric of the node, in one table: its name, its meaning, its labels with all the values
 * they may take, its buckets. docs/metrics.md is generated from it, and `NodeMetrics` can record
 * nothing that does not stand here. Units are base units, as promtool and
 * https://prometheus.io/docs/practices/naming/ want them.
 */

/** The closed vocabulary of a label, or a sentence that says why an open one stays small. */
export type LabelValues = readonly string[] | { readonly open: string };

export interface MetricDefinition {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: Readonly<Record<string, LabelValues>>;
  /** Upper bounds in the metric's unit; histograms only. */
  readonly buckets?: readonly number[];
}

/** 0.1 ms to 5 s: a beat takes a millisecond on a good day and must never take seconds. */
const beatBuckets = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];

export const loopPhases = ["monitor", "analyze", "plan", "guard", "execute", "knowledge"] as const;
export const symptomKinds = [
  "interface-down",
  "flapping",
  "error-burst",
  "drop-burst",
  "target-unreachable",
  "retransmit-burst",
  "listen-drops",
  "resource-pressure",
  "storage-low",
  "sensor-failed",
  "link-loss",
  "silent-neighbour",
] as const;
export const admissions = ["admitted", "observed", "refused", "awaiting"] as const;
export const verdictOutcomes = ["healed", "undone", "undo-failed", "not-applied", "told"] as const;
export const actionKinds = [
  "interface-up",
  "interface-down",
  "interface-bounce",
  "interface-mtu",
  "throughput-override",
  "interface-hop-penalty",
  "elp-interval",
  "mesh-hop-penalty",
  "originator-interval",
  "gateway-mode",
  "mesh-membership",
  "mesh-reenslave",
  "frame-deny",
  "broadcast-limit",
  "restore",
  "tell",
] as const;
export const actionResults = ["applied", "failed"] as const;
export const sensors = [
  "interfaces",
  "targets",
  "transport",
  "pressure",
  "storage",
  "process",
  "mesh",
  "linkLoss",
] as const;
export const peerSources = ["mdns", "seed", "dhcp"] as const;
export const withdrawalOutcomes = ["withdrawn", "superseded", "vanished"] as const;
export const healthStates = ["ok", "degraded", "failed"] as const;
export const rejectionReasons = [
  "body_too_large",
  "header_too_large",
  "uri_too_long",
  "timeout",
  "malformed",
  "connection_limit",
  "requests_per_connection",
  "pipeline_limit",
  "stream_limit",
  "host_not_allowed",
  "origin_not_allowed",
  "media_type",
  "expectation",
] as const;

const httpMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
const routes = { open: "the patterns of the served routes, and `unmatched`" };

const meshLink = {
  interface: { open: "the hard interfaces of the mesh" },
  neighbour: { open: "the nodes one hop away" },
};

export const metricCatalogue = {
  meshmend_build_info: {
    type: "gauge",
    help: "Always 1; the labels say which version runs as which node.",
    labels: { version: { open: "one per process" }, node: { open: "one per process" } },
  },
  meshmend_component_state: {
    type: "gauge",
    help: "1 for the state a component is in, 0 for the others.",
    labels: { component: { open: "the components of this node" }, state: healthStates },
  },
  meshmend_beat_duration_seconds: {
    type: "histogram",
    help: "How long one beat of the loop took.",
    labels: {},
    buckets: beatBuckets,
  },
  meshmend_beat_lateness_seconds: {
    type: "histogram",
    help: "How long after its due time a beat began.",
    labels: {},
    buckets: beatBuckets,
  },
  meshmend_phase_duration_seconds: {
    type: "histogram",
    help: "How long one phase of a beat took.",
    labels: { phase: loopPhases },
    buckets: beatBuckets,
  },
  meshmend_beats_total: { type: "counter", help: "Beats of the loop.", labels: {} },
  meshmend_beats_missed_total: {
    type: "counter",
    help: "Beats left out because the loop was late by a whole period or more.",
    labels: {},
  },
  meshmend_active_symptoms: {
    type: "gauge",
    help: "Symptoms that are active now.",
    labels: { kind: symptomKinds },
  },
  meshmend_symptoms_raised_total: {
    type: "counter",
    help: "Symptoms raised.",
    labels: { kind: symptomKinds },
  },
  meshmend_decisions_total: {
    type: "counter",
    help: "Decisions made, by what the guard said; `observed`: not asked, for mode `observe` only plans.",
    labels: { admission: admissions },
  },
  meshmend_verdicts_total: {
    type: "counter",
    help: "Repairs judged, by how they ended.",
    labels: { outcome: verdictOutcomes },
  },
  meshmend_repairs_held: {
    type: "gauge",
    help: "Standing repairs in force: ways around a trouble that lasts.",
    labels: {},
  },
  meshmend_withdrawals_total: {
    type: "counter",
    help: "Standing repairs that ended, by how.",
    labels: { outcome: withdrawalOutcomes },
  },
  meshmend_mesh_originators: {
    type: "gauge",
    help: "Nodes of the mesh that this node knows a way to.",
    labels: {},
  },
  meshmend_mesh_peers: {
    type: "gauge",
    help: "Other nodes that run meshmend, by the way they were found; one may be found by several.",
    labels: { source: peerSources },
  },
  meshmend_mesh_discovery_refused_total: {
    type: "counter",
    help: "What was told of peers and not taken: not as it should be, or no room for it.",
    labels: {},
  },
  meshmend_mesh_path_switches_total: {
    type: "counter",
    help: "Changes of the next hop to an originator.",
    labels: {},
  },
  meshmend_mesh_link_quality_ratio: {
    type: "gauge",
    help: "Transmit quality of a link, 0 to 1; BATMAN_IV only.",
    labels: meshLink,
  },
  meshmend_mesh_link_throughput_bits_per_second: {
    type: "gauge",
    help: "Throughput batman-adv expects of a link; BATMAN_V only.",
    labels: meshLink,
  },
  meshmend_mesh_link_silence_seconds: {
    type: "gauge",
    help: "Time since a neighbour was last heard.",
    labels: meshLink,
  },
  meshmend_mesh_link_routes: {
    type: "gauge",
    help: "Originators whose best path leads over a link.",
    labels: meshLink,
  },
  meshmend_mesh_messages_expected: {
    type: "gauge",
    help: "Numbered messages a neighbour has sent, as far as the numbers show.",
    labels: meshLink,
  },
  meshmend_mesh_messages_received: {
    type: "gauge",
    help: "Those of them that came.",
    labels: meshLink,
  },
  meshmend_actions_total: {
    type: "counter",
    help: "Actions carried out, undoing included.",
    labels: { kind: actionKinds, result: actionResults },
  },
  meshmend_sensor_duration_seconds: {
    type: "histogram",
    help: "How long a sensor took to deliver its sample.",
    labels: { sensor: sensors },
    buckets: beatBuckets,
  },
  meshmend_sensor_failures_total: {
    type: "counter",
    help: "Samples a sensor could not deliver.",
    labels: { sensor: sensors },
  },
  meshmend_inbox_dropped_total: {
    type: "counter",
    help: "Events for the loop that its full inbox refused.",
    labels: {},
  },
  meshmend_findings_dropped_total: {
    type: "counter",
    help: "Findings left out because as many symptoms as may be are followed already.",
    labels: {},
  },
  meshmend_decision_records_lost_total: {
    type: "counter",
    help: "Records of decisions given up: the disk refused them for long, or too many waited for it.",
    labels: {},
  },
  meshmend_series: { type: "gauge", help: "Time series kept in memory.", labels: {} },
  meshmend_series_refused_total: {
    type: "counter",
    help: "Series not recorded because the limit (loop.maxSeries) was reached.",
    labels: {},
  },
  meshmend_http_requests_total: {
    type: "counter",
    help: "HTTP requests answered.",
    labels: { method: httpMethods, route: routes, status: { open: "HTTP status codes" } },
  },
  meshmend_http_request_duration_seconds: {
    type: "histogram",
    help: "From the request's header to the end of its answer; event streams are left out.",
    labels: { method: httpMethods, route: routes },
    buckets: requestBuckets,
  },
  meshmend_http_rejected_total: {
    type: "counter",
    help: "HTTP requests and connections refused before they reached a route.",
    labels: { reason: rejectionReasons },
  },
  meshmend_sse_clients: { type: "gauge", help: "Open event streams.", labels: {} },
  meshmend_sse_dropped_total: {
    type: "counter",
    help: "Event streams cut because their client did not read.",
    labels: {},
  },
  meshmend_spans_dropped_total: {
    type: "counter",
    help: "Trace spans not delivered: the queue was full or the exporter failed.",
    labels: {},
  },
  meshmend_log_lines_dropped_total: {
    type: "counter",
    help: "Log lines not written because whoever reads the log did not keep up.",
    labels: {},
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof metricCatalogue;
export type LoopPhase = (typeof loopPhases)[number];
export type SymptomKind = (typeof symptomKinds)[number];
export type Admission = (typeof admissions)[number];
export type VerdictOutcome = (typeof verdictOutcomes)[number];
export type WithdrawalOutcome = (typeof withdrawalOutcomes)[number];
export type ActionKind = (typeof actionKinds)[number];
export type ActionResult = (typeof actionResults)[number];
export type SensorName = (typeof sensors)[number];
export type PeerSource = (typeof peerSources)[number];
export type RejectionReason = (typeof rejectionReasons)[number];

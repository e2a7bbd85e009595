/**
 * The recording side of the metric catalogue: one registry per node, and one plain function per
 * fact, so that a caller can misspell neither a metric nor a label. Durations come in
 * milliseconds, as the rest of the node measures them, and leave in seconds.
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import {
  type ActionKind,
  type ActionResult,
  type Admission,
  healthStates,
  type LoopPhase,
  type MetricDefinition,
  type MetricName,
  metricCatalogue,
  type PeerSource,
  peerSources,
  type RejectionReason,
  type SensorName,
  type SymptomKind,
  symptomKinds,
  type VerdictOutcome,
  type WithdrawalOutcome,
} from "./metric-catalogue.ts";

export interface NodeMetricsOptions {
  readonly version: string;
  readonly node: string;
}

/** Counts kept elsewhere, cumulative since this process started; one that falls starts anew. */
export interface Totals {
  readonly inboxDropped?: number;
  readonly findingsDropped?: number;
  readonly decisionRecordsLost?: number;
  readonly seriesRefused?: number;
  readonly spansDropped?: number;
  readonly logLinesDropped?: number;
  readonly pathSwitches?: number;
  readonly discoveryRefused?: number;
}

/** What is measured of the mesh. */
export interface MeshMeasurements {
  readonly originators: number;
  /** TQ 0 to 255, or kbit/s. */
  readonly metric: "tq" | "throughput";
  readonly links: readonly {
    readonly interface: string;
    readonly neighbour: string;
    readonly quality: number | null;
    readonly lastSeenMs: number;
    readonly routes: number;
  }[];
  readonly losses: readonly {
    readonly interface: string;
    readonly neighbour: string;
    readonly expected: number;
    readonly received: number;
  }[];
}

export interface AnsweredRequest {
  readonly method: string;
  /** The route's pattern, or `unmatched`. */
  readonly route: string;
  readonly status: number;
  /** Null for a stream, whose length says nothing about the server. */
  readonly durationMs: number | null;
}

export interface NodeMetrics {
  beat(beat: { readonly durationMs: number; readonly latenessMs: number }): void;
  beatsMissed(count: number): void;
  phase(phase: LoopPhase, durationMs: number): void;
  /** Symptoms active now; a kind that is left out has none. */
  activeSymptoms(byKind: Readonly<Partial<Record<SymptomKind, number>>>): void;
  symptomRaised(kind: SymptomKind): void;
  decision(admission: Admission): void;
  verdict(outcome: VerdictOutcome): void;
  /** Standing repairs in force now. */
  repairsHeld(count: number): void;
  withdrawal(outcome: WithdrawalOutcome): void;
  /** As of now; links that are left out are forgotten. */
  mesh(mesh: MeshMeasurements | null): void;
  /** Peers known now; a source that is left out has none. */
  peers(bySource: Readonly<Partial<Record<PeerSource, number>>>): void;
  action(kind: ActionKind, result: ActionResult): void;
  sensorSampled(sensor: SensorName, durationMs: number): void;
  sensorFailed(sensor: SensorName): void;
  series(count: number): void;
  totals(totals: Totals): void;
  componentState(component: string, state: (typeof healthStates)[number]): void;
  httpAnswered(request: AnsweredRequest): void;
  httpRejected(reason: RejectionReason): void;
  sseClients(count: number): void;
  sseDropped(): void;
  /** The exposition text for `/metrics`. */
  text(): Promise<string>;
  /** Its media type, with the version of the format. */
  readonly contentType: string;
}

/**
 * Gauges that prom-client names `_total`, which the naming rules keep for counters; promtool
 * refuses them, and `nodejs_active_resources` says the same.
 */
const misnamed = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

const knownMethods = new Set<string>(metricCatalogue.meshmend_http_requests_total.labels.method);

export function createNodeMetrics(options: NodeMetricsOptions): NodeMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  const make = metricsIn(registry);

  make.gauge("meshmend_build_info").set({ version: options.version, node: options.node }, 1);
  const beatDuration = make.histogram("meshmend_beat_duration_seconds");
  const beatLateness = make.histogram("meshmend_beat_lateness_seconds");
  const phaseDuration = make.histogram("meshmend_phase_duration_seconds");
  const beats = make.counter("meshmend_beats_total");
  const missed = make.counter("meshmend_beats_missed_total");
  const active = make.gauge("meshmend_active_symptoms");
  const raised = make.counter("meshmend_symptoms_raised_total");
  const decisions = make.counter("meshmend_decisions_total");
  const verdicts = make.counter("meshmend_verdicts_total");
  const actions = make.counter("meshmend_actions_total");
  const sensorDuration = make.histogram("meshmend_sensor_duration_seconds");
  const sensorFailures = make.counter("meshmend_sensor_failures_total");
  const series = make.gauge("meshmend_series");
  const components = make.gauge("meshmend_component_state");
  const requests = make.counter("meshmend_http_requests_total");
  const requestDuration = make.histogram("meshmend_http_request_duration_seconds");
  const rejected = make.counter("meshmend_http_rejected_total");
  const clients = make.gauge("meshmend_sse_clients");
  const dropped = make.counter("meshmend_sse_dropped_total");
  const totals = totalsIn(make);
  const held = make.gauge("meshmend_repairs_held");
  const withdrawals = make.counter("meshmend_withdrawals_total");
  const mesh = meshIn(make);
  const peers = make.gauge("meshmend_mesh_peers");

  return {
    beat({ durationMs, latenessMs }) {
      beats.inc();
      beatDuration.observe(durationMs / 1_000);
      beatLateness.observe(latenessMs / 1_000);
    },
    beatsMissed: (count) => missed.inc(count),
    phase: (phase, durationMs) => phaseDuration.observe({ phase }, durationMs / 1_000),
    activeSymptoms(byKind) {
      for (const kind of symptomKinds) active.set({ kind }, byKind[kind] ?? 0);
    },
    symptomRaised: (kind) => raised.inc({ kind }),
    decision: (admission) => decisions.inc({ admission }),
    verdict: (outcome) => verdicts.inc({ outcome }),
    repairsHeld: (count) => held.set(count),
    withdrawal: (outcome) => withdrawals.inc({ outcome }),
    mesh,
    peers(bySource) {
      for (const source of peerSources) peers.set({ source }, bySource[source] ?? 0);
    },
    action: (kind, result) => actions.inc({ kind, result }),
    sensorSampled: (sensor, ms) => sensorDuration.observe({ sensor }, ms / 1_000),
    sensorFailed: (sensor) => sensorFailures.inc({ sensor }),
    series: (count) => series.set(count),
    totals,
    componentState(component, state) {
      for (const each of healthStates) {
        components.set({ component, state: each }, each === state ? 1 : 0);
      }
    },
    httpAnswered({ method: raw, route, status, durationMs }) {
      const method = knownMethods.has(raw) ? raw : "other";
      requests.inc({ method, route, status });
      if (durationMs !== null) requestDuration.observe({ method, route }, durationMs / 1_000);
    },
    httpRejected: (reason) => rejected.inc({ reason }),
    sseClients: (count) => clients.set(count),
    sseDropped: () => dropped.inc(),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

type Makers = ReturnType<typeof metricsIn>;

/**
 * Makes a catalogued metric in the registry. Where the vocabulary of a single label is closed,
 * every series of a counter or gauge exists from the start, at 0: `rate()` sees the first event.
 */
function metricsIn(registry: Registry) {
  const configuration = (name: MetricName) => {
    const { help, labels }: MetricDefinition = metricCatalogue[name];
    return { name, help, labelNames: Object.keys(labels), registers: [registry] };
  };
  const startingPoints = (name: MetricName): Record<string, string>[] => {
    const { labels }: MetricDefinition = metricCatalogue[name];
    let points: Record<string, string>[] = [{}];
    for (const [label, values] of Object.entries(labels)) {
      if ("open" in values) return [];
      points = points.flatMap((point) => values.map((value) => ({ ...point, [label]: value })));
    }
    return points;
  };
  return {
    counter(name: MetricName) {
      const counter = new Counter(configuration(name));
      for (const point of startingPoints(name)) counter.inc(point, 0);
      return counter;
    },
    gauge(name: MetricName) {
      const gauge = new Gauge(configuration(name));
      for (const point of startingPoints(name)) gauge.set(point, 0);
      return gauge;
    },
    histogram(name: MetricName) {
      const { buckets = [] }: MetricDefinition = metricCatalogue[name];
      const histogram = new Histogram({ ...configuration(name), buckets: [...buckets] });
      for (const point of startingPoints(name)) histogram.zero(point);
      return histogram;
    },
  };
}

/** Turns totals that are counted elsewhere into increments of our counters. */
function totalsIn(make: Makers): (totals: Totals) => void {
  const counters: Readonly<Record<keyof Totals, Counter>> = {
    inboxDropped: make.counter("meshmend_inbox_dropped_total"),
    findingsDropped: make.counter("meshmend_findings_dropped_total"),
    decisionRecordsLost: make.counter("meshmend_decision_records_lost_total"),
    seriesRefused: make.counter("meshmend_series_refused_total"),
    spansDropped: make.counter("meshmend_spans_dropped_total"),
    logLinesDropped: make.counter("meshmend_log_lines_dropped_total"),
    pathSwitches: make.counter("meshmend_mesh_path_switches_total"),
    discoveryRefused: make.counter("meshmend_mesh_discovery_refused_total"),
  };
  const names = Object.keys(counters) as (keyof Totals)[];
  const last = new Map<keyof Totals, number>();
  return (totals) => {
    for (const name of names) {
      const total = totals[name];
      if (total === undefined) continue;
      const before = last.get(name) ?? 0;
      counters[name].inc(total >= before ? total - before : total);
      last.set(name, total);
    }
  };
}

/** The gauges of the mesh: all of them anew each time, so that a link that is gone is gone. */
function meshIn(make: Makers): (mesh: MeshMeasurements | null) => void {
  const originators = make.gauge("meshmend_mesh_originators");
  const quality = make.gauge("meshmend_mesh_link_quality_ratio");
  const throughput = make.gauge("meshmend_mesh_link_throughput_bits_per_second");
  const silence = make.gauge("meshmend_mesh_link_silence_seconds");
  const routes = make.gauge("meshmend_mesh_link_routes");
  const expected = make.gauge("meshmend_mesh_messages_expected");
  const received = make.gauge("meshmend_mesh_messages_received");
  return (mesh) => {
    for (const gauge of [quality, throughput, silence, routes, expected, received]) gauge.reset();
    originators.set(mesh?.originators ?? 0);
    for (const link of mesh?.links ?? []) {
      const labels = { interface: link.interface, neighbour: link.neighbour };
      silence.set(labels, link.lastSeenMs / 1_000);
      routes.set(labels, link.routes);
      if (link.quality === null) continue;
      if (mesh?.metric === "tq") quality.set(labels, link.quality / 255);
      else throughput.set(labels, link.quality * 1_000);
    }
    for (const loss of mesh?.losses ?? []) {
      const labels = { interface: loss.interface, neighbour: loss.neighbour };
      expected.set(labels, loss.expected);
      received.set(labels, loss.received);
    }
  };
}

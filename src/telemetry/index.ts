/** Metrics, traces and logs behind the ports of base. */

export {
  type ActionKind,
  type ActionResult,
  type Admission,
  type LoopPhase,
  metricCatalogue,
  type RejectionReason,
  type SensorName,
  type SymptomKind,
  type VerdictOutcome,
} from "./metric-catalogue.ts";
export { metricReference } from "./metric-reference.ts";
export {
  type AnsweredRequest,
  createNodeMetrics,
  type NodeMetrics,
  type NodeMetricsOptions,
  type Totals,
} from "./node-metrics.ts";
export { openTracing, type Tracing, type TracingOptions } from "./otel-tracer.ts";
export { type LogOptions, type OpenedLog, openLog } from "./pino-logger.ts";

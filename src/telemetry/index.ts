/** Metrics, traces and logs behind the ports of base. */

export { createNodeMetrics, type NodeMetrics } from "./node-metrics.ts";
export { openTracing, type Tracing } from "./otel-tracer.ts";
export { openLog } from "./pino-logger.ts";

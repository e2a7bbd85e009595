/**
 * The Tracer of base over OpenTelemetry. Nothing of the SDK is even loaded while no endpoint is
 * configured. Spans wait in a bounded queue of our own counting, because the SDK tells nobody
 * how many it dropped; a collector that is away costs one log line a minute.
 */

import type * as Api from "@opentelemetry/api";
import type { ReadableSpan, SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace-base";
import {
  type Clock,
  type Logger,
  messageOf,
  type Span,
  silentTracer,
  type Tracer,
} from "../base/index.ts";

export interface TracingOptions {
  /** OTLP/HTTP traces endpoint, e.g. `http://127.0.0.1:4318/v1/traces`; null turns tracing off. */
  readonly endpoint: string | null;
  readonly node: string;
  readonly version: string;
  /** Spans that may wait for the exporter, those on their way included. */
  readonly maxQueuedSpans?: number;
  /** The longest a finished span waits before it is sent. */
  readonly exportIntervalMs?: number;
}

export interface Tracing {
  readonly tracer: Tracer;
  /** Spans not delivered since the start. */
  dropped(): number;
  /** Sends what waits, for at most 2 s. Never throws. */
  stop(): Promise<void>;
}

const stopWithinMs = 2_000;
const complainEveryMs = 60_000;
const exportTimeoutMs = 5_000;

export async function openTracing(
  parts: { readonly clock: Clock; readonly logger: Logger },
  options: TracingOptions,
): Promise<Tracing> {
  if (options.endpoint === null) {
    return { tracer: silentTracer, dropped: () => 0, stop: async () => {} };
  }
  const [api, sdk, otlp, resources] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/sdk-trace-base"),
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/resources"),
  ]);
  const maxQueued = options.maxQueuedSpans ?? 2_048;
  const queue = new CountedQueue(parts, maxQueued);
  const exporter = queue.watch(
    new otlp.OTLPTraceExporter({ url: options.endpoint, timeoutMillis: exportTimeoutMs }),
  );
  const batches = new sdk.BatchSpanProcessor(exporter, {
    maxQueueSize: maxQueued,
    maxExportBatchSize: Math.min(512, maxQueued),
    scheduledDelayMillis: options.exportIntervalMs ?? 2_000,
    exportTimeoutMillis: exportTimeoutMs,
  });
  const provider = new sdk.BasicTracerProvider({
    // Everything: a beat a second is little, and a repair that was not sampled explains nothing.
    sampler: new sdk.AlwaysOnSampler(),
    resource: resources.resourceFromAttributes({
      "service.name": "meshmend",
      "service.version": options.version,
      "service.instance.id": options.node,
    }),
    spanProcessors: [queue.guard(batches)],
  });
  return {
    tracer: tracerOver(api, parts.clock, provider.getTracer("meshmend", options.version)),
    dropped: () => queue.dropped,
    stop: () => stopWithin(parts, () => provider.shutdown()),
  };
}

function tracerOver(api: typeof Api, clock: Clock, tracer: Api.Tracer): Tracer {
  const start = (
    name: string,
    attributes: Api.Attributes | undefined,
    around: Api.Context,
  ): Span => {
    const span = tracer.startSpan(name, attributes === undefined ? {} : { attributes }, around);
    const inside = api.trace.setSpan(around, span);
    return {
      set: (more) => void span.setAttributes(more),
      lap(childName, tookMs) {
        const endedMs = clock.wallMs();
        tracer.startSpan(childName, { startTime: endedMs - tookMs }, inside).end(endedMs);
      },
      end(failure) {
        if (failure !== undefined) {
          span.setStatus({ code: api.SpanStatusCode.ERROR, message: failure });
        }
        span.end();
      },
    };
  };
  return { start: (name, attributes) => start(name, attributes, api.ROOT_CONTEXT) };
}

/** Bounds and counts the spans between their end and their delivery. */
class CountedQueue {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #capacity: number;
  #waiting = 0;
  #dropped = 0;
  #complainedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: { readonly clock: Clock; readonly logger: Logger }, capacity: number) {
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#capacity = capacity;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** A processor that admits only what fits. */
  guard(inner: SpanProcessor): SpanProcessor {
    return {
      onStart: (span, around) => inner.onStart(span, around),
      onEnd: (span) => {
        if (this.#waiting >= this.#capacity) {
          this.#dropped++;
          return;
        }
        this.#waiting++;
        inner.onEnd(span);
      },
      forceFlush: () => inner.forceFlush(),
      shutdown: () => inner.shutdown(),
    };
  }

  /** An exporter that reports what became of each batch. */
  watch(inner: SpanExporter): SpanExporter {
    return {
      export: (spans: ReadableSpan[], done) => {
        inner.export(spans, (result) => {
          this.#waiting -= spans.length;
          // 1 is ExportResultCode.FAILED of @opentelemetry/core.
          if (result.code === 1) this.#failed(spans.length, result.error);
          done(result);
        });
      },
      shutdown: () => inner.shutdown(),
      ...(inner.forceFlush && { forceFlush: () => inner.forceFlush?.() ?? Promise.resolve() }),
    };
  }

  #failed(spans: number, error: Error | undefined): void {
    this.#dropped += spans;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#complainedMs < complainEveryMs) return;
    this.#complainedMs = nowMs;
    this.#logger.warn("traces could not be delivered; the next minute's failures go unsaid", {
      code: "E_TRACE_EXPORT",
      reason: messageOf(error ?? "no reason given"),
      droppedSpans: this.#dropped,
    });
  }
}

async function stopWithin(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  shutdown: () => Promise<void>,
): Promise<void> {
  const inTime = new AbortController();
  const overdue = clock.sleep(stopWithinMs, inTime.signal).then(() => "overdue" as const);
  const ended = await Promise.race([
    shutdown().then(
      () => "ended" as const,
      (thrown: unknown) => messageOf(thrown),
    ),
    overdue,
  ]);
  inTime.abort();
  if (ended !== "ended") logger.warn("traces were cut off at the stop", { reason: ended });
}

/** The port for spans; OpenTelemetry stands behind it when an exporter is configured. */

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface Span {
  set(attributes: SpanAttributes): void;
  /** Adds a child span that ends now and began `tookMs` ago: a phase, known once it is over. */
  lap(name: string, tookMs: number): void;
  /** Ends the span; with a message, as a failure. */
  end(failure?: string): void;
}

export interface Tracer {
  start(name: string, attributes?: SpanAttributes): Span;
}

const silentSpan: Span = { set() {}, lap() {}, end() {} };

export const silentTracer: Tracer = { start: () => silentSpan };

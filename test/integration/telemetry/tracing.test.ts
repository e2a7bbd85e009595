import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { silentTracer } from "../../../src/base/index.ts";
import { openTracing } from "../../../src/telemetry/index.ts";
import { realClock } from "../../support/real-clock.ts";
import { eventually, type LogLine, recordingLogger } from "../http/support.ts";

interface OtlpSpan {
  readonly name: string;
  readonly spanId: string;
  readonly traceId: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
}

describe("tracing", () => {
  const collectors: Server[] = [];
  afterEach(() => {
    for (const collector of collectors.splice(0)) {
      collector.closeAllConnections();
      collector.close();
    }
  });

  /** A collector as OTLP/HTTP has it; `status` null: it never answers. */
  async function collect(status: number | null) {
    const spans: OtlpSpan[] = [];
    const resources: object[] = [];
    let requests = 0;
    const collector = createServer((request, response) => {
      void text(request).then((body) => {
        requests++;
        if (status === 200) {
          for (const { resource, scopeSpans } of JSON.parse(body).resourceSpans) {
            resources.push(resource);
            for (const scope of scopeSpans) spans.push(...scope.spans);
          }
        }
        if (status !== null) response.writeHead(status).end("{}");
      });
    });
    collectors.push(collector);
    await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
    const { port } = collector.address() as AddressInfo;
    const endpoint = `http://127.0.0.1:${port}/v1/traces`;
    return { endpoint, spans, resources, requests: () => requests };
  }

  const open = (endpoint: string | null, log: LogLine[] = [], maxQueuedSpans = 2_048) =>
    openTracing(
      { clock: realClock, logger: recordingLogger(log) },
      { endpoint, node: "node-a", version: "1.2.3", maxQueuedSpans, exportIntervalMs: 50 },
    );

  it("is base's silent tracer while no endpoint is configured", async () => {
    const tracing = await open(null);
    expect(tracing.tracer).toBe(silentTracer);
    await tracing.stop();
  });

  it("delivers spans with their laps, attributes and failures", async () => {
    const collector = await collect(200);
    const tracing = await open(collector.endpoint);
    const beat = tracing.tracer.start("beat", { beat: 7 });
    beat.set({ slow: true });
    beat.lap("monitor", 20);
    beat.end("a sensor failed");
    await tracing.stop();
    const [inner, outer] = collector.spans;
    expect(outer).toMatchObject({
      name: "beat",
      attributes: [
        { key: "beat", value: { intValue: 7 } },
        { key: "slow", value: { boolValue: true } },
      ],
      status: { code: 2, message: "a sensor failed" },
    });
    expect(inner).toMatchObject({
      name: "monitor",
      traceId: outer?.traceId,
      parentSpanId: outer?.spanId,
    });
    const { startTimeUnixNano = 0, endTimeUnixNano = 0 } = inner ?? {};
    const tookMs = Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e6;
    expect(tookMs).toBeCloseTo(20, 3);
    expect(JSON.stringify(collector.resources[0])).toMatch(/meshmend.*1\.2\.3.*node-a/);
    expect(tracing.dropped()).toBe(0);
  });

  it("counts what a failing collector refuses and complains once, not each time", async () => {
    const collector = await collect(400);
    const log: LogLine[] = [];
    const tracing = await open(collector.endpoint, log);
    for (let round = 1; round <= 3; round++) {
      tracing.tracer.start("beat").end();
      await eventually(() => tracing.dropped() === round);
    }
    expect(collector.requests()).toBe(3);
    expect(log).toHaveLength(1);
    expect(log[0]).toMatchObject({ level: "warn", fields: { code: "E_TRACE_EXPORT" } });
    await tracing.stop();
  });

  it("keeps a bounded number of spans for a collector that hangs, and stops in two seconds", async () => {
    const collector = await collect(null);
    const log: LogLine[] = [];
    const tracing = await open(collector.endpoint, log, 100);
    for (let i = 0; i < 250; i++) tracing.tracer.start("beat").end();
    expect(tracing.dropped()).toBe(150);
    const startMs = performance.now();
    await tracing.stop();
    expect(performance.now() - startMs).toBeLessThan(4_500);
    expect(log.some(({ message }) => message.includes("cut off"))).toBe(true);
  });
});

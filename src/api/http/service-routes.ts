/** What the server says about itself: its index, its description, its metrics. */

import { type App, answer, json, opaque, problems } from "./app.ts";
import type { HealthBoard } from "./health-board.ts";
import type { HttpServerOptions, MetricsPort } from "./ports.ts";
import { indexSchema } from "./schemas/index.ts";

export interface ServiceRouteParts {
  readonly metrics: Pick<MetricsPort, "text" | "contentType">;
  readonly board: HealthBoard;
  /** The text of the OpenAPI document. */
  readonly openApi: () => Promise<string>;
}

export function serveService(
  app: App,
  parts: ServiceRouteParts,
  options: Pick<HttpServerOptions, "node" | "version">,
): void {
  const routes: { method: string; href: string; summary: string }[] = [];
  app.addHook("onRoute", ({ method, url, schema }) => {
    for (const each of [method].flat()) {
      if (each !== "HEAD") routes.push({ method: each, href: url, summary: summaryOf(schema) });
    }
  });

  app.get(
    "/",
    {
      schema: {
        summary: "What is served here",
        tags: ["service"],
        response: { ...problems(), 200: json(indexSchema, "Every route.") },
      },
    },
    (_request, reply) => {
      const { node, version } = options;
      return answer(reply, indexSchema, { name: "meshmend", node, version, routes });
    },
  );

  app.get(
    "/openapi.json",
    {
      schema: {
        summary: "This interface, described for machines (OpenAPI 3.1)",
        tags: ["service"],
        response: {
          ...problems(),
          200: opaque("application/json", "object", "The document."),
        },
      },
    },
    async (_request, reply) => reply.type("application/json").send(await parts.openApi()),
  );

  app.get(
    "/metrics",
    {
      schema: {
        summary: "Metrics for Prometheus; docs/metrics.md lists them",
        tags: ["service"],
        response: {
          ...problems(),
          200: opaque("text/plain", "string", "Prometheus text format."),
        },
      },
    },
    async (_request, reply) => {
      // So that the component states are those of this moment.
      parts.board.report();
      return reply.type(parts.metrics.contentType).send(await parts.metrics.text());
    },
  );
}

function summaryOf(schema: object | undefined): string {
  return schema !== undefined && "summary" in schema ? String(schema.summary) : "";
}

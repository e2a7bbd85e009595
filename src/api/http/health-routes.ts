/** `/health` for people, `/health/live` and `/health/ready` for whoever restarts or routes. */

import type { Clock } from "../../base/index.ts";
import { type App, answer, json, problems } from "./app.ts";
import type { HealthBoard } from "./health-board.ts";
import type { HttpServerOptions, LoopPort } from "./ports.ts";
import { healthSchema, liveSchema, readySchema } from "./schemas/index.ts";

export interface HealthRouteParts {
  readonly loop: Pick<LoopPort, "mode" | "statistics" | "latestObservation">;
  readonly board: HealthBoard;
  readonly clock: Clock;
  /** Monotonic milliseconds at which the server was started. */
  readonly startedMs: () => number;
}

const beatsUntilStuck = 5;
/** At a period of 100 ms, half a second of a busy disk is no reason to restart a node. */
const shortestLimitMs = 2_000;

export function serveHealth(
  app: App,
  parts: HealthRouteParts,
  options: Pick<HttpServerOptions, "node" | "version" | "requiredComponents">,
): void {
  app.get(
    "/health",
    {
      schema: {
        summary: "How every component is, since when, and what to do about it",
        tags: ["health"],
        response: {
          ...problems(),
          200: json(healthSchema, "No component has failed; some may be degraded."),
          503: json(healthSchema, "A component has failed."),
        },
      },
    },
    (_request, reply) => {
      const { state, components } = parts.board.report();
      const uptimeSeconds = (parts.clock.monotonicMs() - parts.startedMs()) / 1_000;
      const { node, version } = options;
      const body = { state, node, version, mode: parts.loop.mode, uptimeSeconds, components };
      return answer(reply, healthSchema, body, state === "failed" ? 503 : 200);
    },
  );

  app.get(
    "/health/live",
    {
      schema: {
        summary: "Does the process answer, and does the loop beat?",
        tags: ["health"],
        response: {
          ...problems(),
          200: json(liveSchema, "The last beat is recent."),
          503: json(liveSchema, "The loop is stuck: restart the node."),
        },
      },
    },
    (_request, reply) => {
      const { beats, periodMs } = parts.loop.statistics();
      const last = parts.loop.latestObservation();
      const nowMs = parts.clock.monotonicMs();
      const lastBeatAgeMs = last === null ? null : Math.max(0, nowMs - last.atMs);
      const limitMs = Math.max(shortestLimitMs, beatsUntilStuck * periodMs);
      const live = (lastBeatAgeMs ?? nowMs - parts.startedMs()) < limitMs;
      return answer(reply, liveSchema, { live, beats, lastBeatAgeMs, limitMs }, live ? 200 : 503);
    },
  );

  app.get(
    "/health/ready",
    {
      schema: {
        summary: "Can the node do its work?",
        tags: ["health"],
        response: {
          ...problems(),
          200: json(readySchema, "Every required component works."),
          503: json(readySchema, "A required component is missing or has failed."),
        },
      },
    },
    (_request, reply) => {
      const { components } = parts.board.report();
      const waitingFor = options.requiredComponents.flatMap((component) => {
        const found = components.find((each) => each.component === component);
        if (found === undefined) return [{ component, reason: "not started yet" }];
        return found.state === "failed" ? [{ component, reason: found.reason }] : [];
      });
      const ready = waitingFor.length === 0;
      return answer(reply, readySchema, { ready, waitingFor }, ready ? 200 : 503);
    },
  );
}

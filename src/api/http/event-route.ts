/** The door to the event streams; what happens behind it is the hub's. */

import { Type } from "../../json-schema/type.ts";
import { type App, opaque, problems } from "./app.ts";
import type { EventHub } from "./event-hub.ts";
import type { MetricsPort } from "./ports.ts";
import { refuse } from "./problem.ts";
import { closed } from "./schemas/building-blocks.ts";

export const eventsPath = "/api/v1/events";

const sequence = (description: string) => Type.Integer({ minimum: 0, description });

export function serveEvents(
  app: App,
  hub: EventHub,
  metrics: Pick<MetricsPort, "httpRejected">,
): void {
  app.get(
    eventsPath,
    {
      exposeHeadRoute: false,
      schema: {
        summary: "What happens, as it happens (server-sent events)",
        description:
          "Each event has its sequence as `id`, its kind as `event` and an Event as `data`. " +
          "`Last-Event-ID` or `after` resumes behind that event; a `gap` event with " +
          "`{after, next, reason}` says that some in between are gone.",
        tags: ["events"],
        querystring: closed({
          after: Type.Optional(sequence("Resume behind this event; 0: all that is remembered.")),
        }),
        headers: Type.Object({
          "last-event-id": Type.Optional(
            sequence("As `after`; it wins, as a browser's last word."),
          ),
        }),
        response: {
          ...problems("E_INVALID_REQUEST", "E_STREAM_LIMIT"),
          200: opaque("text/event-stream", "string", "An endless stream."),
        },
      },
    },
    (request, reply) => {
      if (hub.isFull) {
        metrics.httpRejected("stream_limit");
        reply.header("retry-after", "30");
        refuse(request, reply, "E_STREAM_LIMIT");
        return;
      }
      reply.hijack();
      reply.raw.writeHead(200, {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        // nginx would hold the events back otherwise.
        "x-accel-buffering": "no",
      });
      hub.add(reply.raw, request.headers["last-event-id"] ?? request.query.after ?? null);
    },
  );
}

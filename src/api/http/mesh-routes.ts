/** The mesh as a graph, in the forms that other tools read; and who in it runs meshmend. */

import type { Logger } from "../../base/index.ts";
import { Type } from "../../json-schema/type.ts";
import { type App, answer, json, problems } from "./app.ts";
import { refuseWithFault } from "./error-handling.ts";
import type { MeshPort, PeersPort } from "./ports.ts";
import { closed, oneOf, refer } from "./schemas/building-blocks.ts";
import { networkGraphSchema, peersSchema } from "./schemas/index.ts";

export interface MeshRouteParts {
  readonly mesh: MeshPort;
  readonly peers: PeersPort;
  readonly logger: Logger;
}

const dotType = "text/vnd.graphviz";

export function serveMesh(app: App, parts: MeshRouteParts): void {
  serveTopology(app, parts);
  app.get(
    "/api/v1/mesh/peers",
    {
      schema: {
        summary: "Which other nodes run meshmend, as far as they have told",
        tags: ["mesh"],
        response: { ...problems(), 200: json(peersSchema, "Without peers, `peers` is empty.") },
      },
    },
    (_request, reply) => answer(reply, peersSchema, parts.peers.peers()),
  );
}

function serveTopology(app: App, { mesh, logger }: MeshRouteParts): void {
  app.get(
    "/api/v1/mesh/topology",
    {
      schema: {
        summary: "The mesh as this node sees it: NetJSON, meshviewer's JSON or Graphviz",
        tags: ["mesh"],
        querystring: closed({
          format: Type.Optional(oneOf(["netjson", "meshviewer", "dot"], "netjson by default.")),
        }),
        response: {
          ...problems("E_INVALID_REQUEST", "E_MESH_NOT_SEEN"),
          200: {
            description: "The picture; NetJSON NetworkGraph unless another format is asked for.",
            content: {
              "application/json": {
                schema: Type.Union([refer(networkGraphSchema), Type.Object({})]),
              },
              [dotType]: { schema: Type.String() },
            },
          },
        },
      },
    },
    (request, reply) => {
      const { format = "netjson" } = request.query;
      if (format === "dot") {
        const dot = mesh.dot();
        if (!dot.ok) return refuseWithFault(logger, request, reply, dot.fault);
        return reply.type(dotType).send(dot.value);
      }
      if (format === "meshviewer") {
        const shown = mesh.meshviewer();
        if (!shown.ok) return refuseWithFault(logger, request, reply, shown.fault);
        return reply.type("application/json").send(JSON.stringify(shown.value));
      }
      const graph = mesh.networkGraph();
      return graph.ok
        ? answer(reply, networkGraphSchema, graph.value)
        : refuseWithFault(logger, request, reply, graph.fault);
    },
  );
}

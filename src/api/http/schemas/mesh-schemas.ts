/** The mesh as it is drawn: NetJSON NetworkGraph (https://netjson.org/rfc.html) and meshviewer's. */

import { Type } from "typebox";
import { closed, count, nullable, oneOf, refer } from "./building-blocks.ts";

export const meshNodeSchema = closed(
  {
    id: Type.String({ description: "The originator address." }),
    label: Type.Optional(Type.String()),
    properties: closed({
      gateway: Type.Boolean(),
      known: Type.Boolean({ description: "Its own view is part of the graph." }),
      cut: Type.Boolean({ description: "Others need it to reach each other." }),
      part: count("Number of the part of the mesh it is in, the largest being 0."),
    }),
  },
  { $id: "MeshNode" },
);

export const meshEdgeSchema = closed(
  {
    source: Type.String(),
    target: Type.String(),
    cost: Type.Number({ minimum: 0, description: "Lower is better." }),
    cost_text: Type.String(),
    properties: closed({
      kind: oneOf(["heard", "assumed"], "Assumed: there is a way, perhaps over unknown nodes."),
      cut: Type.Boolean({ description: "Without it the mesh falls apart." }),
    }),
  },
  { $id: "MeshEdge" },
);

export const networkGraphSchema = closed(
  {
    type: Type.Literal("NetworkGraph"),
    protocol: Type.Literal("batman-adv"),
    version: nullable(Type.String()),
    metric: nullable(oneOf(["TQ", "THROUGHPUT"])),
    router_id: nullable(Type.String({ description: "The node whose picture this is." })),
    revision: Type.String(),
    topology_id: Type.String({ examples: ["bat0"] }),
    nodes: Type.Array(refer(meshNodeSchema)),
    links: Type.Array(refer(meshEdgeSchema)),
  },
  { $id: "NetworkGraph" },
);

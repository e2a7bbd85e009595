/** The mesh as it is drawn: NetJSON NetworkGraph (https://netjson.org/rfc.html) and meshviewer's. */

import { Type } from "../../../json-schema/type.ts";
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

const port = () => nullable(Type.Integer({ minimum: 1, maximum: 65_535 }));
const source = () => oneOf(["mdns", "seed", "dhcp"], "By which way it was found.");
const ageMs = () => Type.Number({ minimum: 0, description: "Milliseconds since it was seen." });
const leftMs = () => Type.Number({ description: "Milliseconds until it counts as gone." });

const claim = {
  nodeId: Type.String(),
  clusterId: nullable(Type.String()),
  version: nullable(Type.String()),
  originator: nullable(Type.String({ description: "Its address in the originator table." })),
};

export const peerSelfSchema = closed(
  { ...claim, httpPort: port(), peerPort: port() },
  { $id: "PeerSelf", description: "What this node says of itself; a null port: not for others." },
);

export const peerSchema = closed(
  {
    ...claim,
    inOriginatorTable: nullable(
      Type.Boolean({ description: "This node has a way to that originator; null: no mesh seen." }),
    ),
    contested: Type.Boolean({ description: "Two originators go by this name." }),
    sources: Type.Array(source()),
    addresses: Type.Array(
      closed({
        address: Type.String({ description: "Where it was heard from." }),
        source: source(),
        httpPort: port(),
        peerPort: port(),
        lastSeenMs: ageMs(),
        expiresInMs: leftMs(),
      }),
    ),
    lastSeenMs: ageMs(),
    expiresInMs: leftMs(),
  },
  { $id: "Peer", description: "Another node that runs meshmend. All of it is a claim." },
);

export const seedSchema = closed(
  {
    host: Type.String(),
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    source: oneOf(["seed", "dhcp"]),
    state: oneOf(["not-asked", "self", "answers", "silent"]),
    detail: nullable(Type.String({ description: "Who answers, or why nobody does." })),
  },
  { $id: "Seed" },
);

export const peersSchema = closed(
  {
    self: refer(peerSelfSchema),
    peers: Type.Array(refer(peerSchema)),
    seeds: Type.Array(refer(seedSchema)),
    mdnsInterface: nullable(Type.String({ description: "Null: mDNS is not spoken now." })),
    refused: closed({
      noRoom: count("Sightings for which there was no room."),
      malformed: count("mDNS packets and records that are not as they should be."),
      offLink: count("mDNS packets that did not come from the link."),
      events: count("Peers that came or went without an event, for there were too many."),
    }),
  },
  { $id: "Peers" },
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

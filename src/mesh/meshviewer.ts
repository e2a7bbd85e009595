/**
 * The topology as the JSON that Freifunk's meshviewer reads (github.com/freifunk/meshviewer,
 * "meshviewer.json" as yanic writes it). Its link qualities are TQ as a share; a throughput is given as
 * its share of the best link's.
 */

import type { LinkQuality, Topology } from "./topology.ts";

export interface MeshviewerNode {
  readonly firstseen: string;
  readonly lastseen: string;
  readonly is_online: boolean;
  readonly is_gateway: boolean;
  readonly clients: number;
  readonly clients_wifi24: number;
  readonly clients_wifi5: number;
  readonly clients_other: number;
  /** The originator address without colons. */
  readonly node_id: string;
  readonly mac: string;
  /** Its page of a node sorts these and asks the other without a look whether they are there. */
  readonly addresses: readonly string[];
  readonly autoupdater: { readonly enabled: boolean };
  readonly hostname: string;
}

export interface MeshviewerLink {
  readonly type: "other";
  readonly source: string;
  readonly target: string;
  readonly source_tq: number;
  readonly target_tq: number;
  readonly source_addr: string;
  readonly target_addr: string;
}

export interface Meshviewer {
  readonly timestamp: string;
  readonly nodes: readonly MeshviewerNode[];
  readonly links: readonly MeshviewerLink[];
}

export interface MeshviewerContext {
  /** When this picture was taken, and when the first one was: RFC 3339. */
  readonly takenAt: string;
  readonly firstTakenAt: string;
  /** Clients behind a node, by its address. */
  readonly clients: ReadonlyMap<string, number>;
}

const nodeId = (address: string) => address.replaceAll(":", "");

export function toMeshviewer(topology: Topology, context: MeshviewerContext): Meshviewer {
  const { takenAt: timestamp, firstTakenAt: firstseen } = context;
  // Links that nobody heard would be drawn as if they were there.
  const heard = topology.links.filter(({ kind }) => kind === "heard");
  const best = Math.max(
    1,
    ...heard.flatMap(({ fromQuality, toQuality }) => [
      fromQuality?.value ?? 0,
      toQuality?.value ?? 0,
    ]),
  );
  return {
    timestamp,
    nodes: topology.nodes.map(({ id, label, isGateway }) => ({
      firstseen,
      lastseen: timestamp,
      is_online: true,
      is_gateway: isGateway,
      clients: context.clients.get(id) ?? 0,
      clients_wifi24: 0,
      clients_wifi5: 0,
      // By which way they are connected, batman-adv does not say.
      clients_other: context.clients.get(id) ?? 0,
      node_id: nodeId(id),
      mac: id,
      addresses: [],
      autoupdater: { enabled: false },
      hostname: label ?? id,
    })),
    links: heard.map(({ from, to, fromQuality, toQuality }) => ({
      type: "other",
      source: nodeId(from),
      target: nodeId(to),
      source_tq: shareOf(fromQuality ?? toQuality, best),
      target_tq: shareOf(toQuality ?? fromQuality, best),
      source_addr: from,
      target_addr: to,
    })),
  };
}

function shareOf(quality: LinkQuality | null, best: number): number {
  if (quality === null) return 0;
  return Number((quality.value / (quality.metric === "tq" ? 255 : best)).toFixed(4));
}

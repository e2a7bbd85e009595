/**
 * The topology as NetJSON NetworkGraph (https://netjson.org/rfc.html, section "NetworkGraph"), which
 * monitoring tools and drawing libraries read.
 */

import { findWeakness } from "./connectivity.ts";
import type { LinkQuality, Topology, TopologyLink } from "./topology.ts";

export interface NetJsonNode {
  readonly id: string;
  readonly label?: string;
  readonly properties: {
    readonly gateway: boolean;
    /** Its own view is part of the graph. */
    readonly known: boolean;
    /** Others need it to reach each other. */
    readonly cut: boolean;
    /** Number of the part of the mesh it is in, the largest being 0. */
    readonly part: number;
  };
}

export interface NetJsonLink {
  readonly source: string;
  readonly target: string;
  /** Lower is better: 255/TQ under BATMAN_IV, 1 Gbit/s over the throughput under BATMAN_V. */
  readonly cost: number;
  readonly cost_text: string;
  readonly properties: {
    readonly kind: TopologyLink["kind"];
    /** Without it the mesh falls apart. */
    readonly cut: boolean;
  };
}

export interface NetworkGraph {
  readonly type: "NetworkGraph";
  readonly protocol: "batman-adv";
  readonly version: string | null;
  readonly metric: "TQ" | "THROUGHPUT" | null;
  /** The node whose picture this is. */
  readonly router_id: string | null;
  readonly revision: string;
  readonly topology_id: string;
  readonly nodes: readonly NetJsonNode[];
  readonly links: readonly NetJsonLink[];
}

export interface GraphOrigin {
  readonly routerId: string | null;
  /** Of batman-adv. */
  readonly protocolVersion: string | null;
  /** Of whoever drew it. */
  readonly revision: string;
  readonly metric: LinkQuality["metric"] | null;
  readonly meshName: string;
}

const unknownCost = 1;
const referenceKbps = 1_000_000;

export function toNetJson(topology: Topology, origin: GraphOrigin): NetworkGraph {
  const { nodes, links } = topology;
  const weakness = findWeakness({ nodes: nodes.map(({ id }) => id), links });
  const partOf = new Map(
    weakness.parts.flatMap((part, number) => part.map((id) => [id, number] as const)),
  );
  return {
    type: "NetworkGraph",
    protocol: "batman-adv",
    version: origin.protocolVersion,
    metric: origin.metric === null ? null : origin.metric === "tq" ? "TQ" : "THROUGHPUT",
    router_id: origin.routerId,
    revision: origin.revision,
    topology_id: origin.meshName,
    nodes: nodes.map(({ id, label, isGateway, isKnown }) => ({
      id,
      ...(label !== null && { label }),
      properties: {
        gateway: isGateway,
        known: isKnown,
        cut: weakness.cutNodes.has(id),
        part: partOf.get(id) ?? 0,
      },
    })),
    links: links.map((link, index) => {
      const quality = worse(link.fromQuality, link.toQuality);
      return {
        source: link.from,
        target: link.to,
        cost: costOf(quality),
        cost_text: quality === null ? "unknown" : qualityText(quality),
        properties: { kind: link.kind, cut: weakness.cutLinks.has(index) },
      };
    }),
  };
}

/** A link is as good as its worse direction. */
export function worse(one: LinkQuality | null, other: LinkQuality | null): LinkQuality | null {
  if (one === null || other === null) return one ?? other;
  return one.value <= other.value ? one : other;
}

function costOf(quality: LinkQuality | null): number {
  if (quality === null || quality.value <= 0) return unknownCost;
  const best = quality.metric === "tq" ? 255 : referenceKbps;
  return Number((best / quality.value).toFixed(4));
}

export function qualityText({ metric, value }: LinkQuality): string {
  if (metric === "tq") return `TQ ${value}/255`;
  if (value < 1_000) return `${value} kbit/s`;
  const [amount, unit] = value < 1_000_000 ? [value / 1_000, "Mbit/s"] : [value / 1e6, "Gbit/s"];
  return `${Number(amount.toPrecision(3))} ${unit}`;
}

/**
 * What a lab's mesh looks like: nodes, links, what the links are like when nothing is wrong. It
 * knows the file format (test/lab/topologies/*.yaml) and every name and address that follows from
 * it, so that a test can say which MAC address it expects where.
 */

/** The qualities of one direction of a link, as netem counts them. */
export interface LinkQuality {
  /** 0 to 1. */
  readonly lossRatio: number;
  readonly delayMs: number;
  /** Null: as fast as the machine. */
  readonly rateKbit: number | null;
}

export interface TopologyLink {
  readonly between: readonly [string, string];
  readonly quality: LinkQuality;
}

export interface TopologyNode {
  readonly name: string;
  /** Of bat0, within the /24. */
  readonly address: string;
  readonly gateway: "off" | "client" | "server";
}

export type RoutingAlgorithm = "BATMAN_IV" | "BATMAN_V";
export const routingAlgorithms: readonly RoutingAlgorithm[] = ["BATMAN_IV", "BATMAN_V"];

export interface Topology {
  readonly name: string;
  readonly description: string;
  /** What a run takes that does not say. */
  readonly algorithm: RoutingAlgorithm;
  readonly nodes: readonly TopologyNode[];
  readonly links: readonly TopologyLink[];
}

export const perfect: LinkQuality = { lossRatio: 0, delayMs: 0, rateKbit: null };
export const addressPrefix = "10.99.0.";

/** The hard interface of `node` that leads to `peer`. */
export function hardInterface(peer: string): string {
  return `to-${peer}`;
}

/** The name of a link, the same from both ends: `n1-n3`. */
export function linkName([one, other]: readonly [string, string]): string {
  return `${one}-${other}`;
}

/**
 * The MAC address of a node's hard interface. The first link's is what batman-adv takes as the
 * node's originator address.
 */
export function hardAddress(topology: Topology, node: string, peer: string): string {
  return mac(indexOf(topology, node), 1 + indexOf(topology, peer));
}

/** The MAC address of a node's bat0, as its users see it. */
export function softAddress(topology: Topology, node: string): string {
  return mac(indexOf(topology, node), 0);
}

/** A locally administered address that reads: 02:6d:6d, then the node, then the end. */
function mac(node: number, end: number): string {
  const hexadecimal = (value: number) => value.toString(16).padStart(2, "0");
  return `02:6d:6d:00:${hexadecimal(node + 1)}:${hexadecimal(end)}`;
}

function indexOf(topology: Topology, node: string): number {
  return topology.nodes.indexOf(nodeNamed(topology, node));
}

export function nodeNamed(topology: Topology, name: string): TopologyNode {
  const found = topology.nodes.find((node) => node.name === name);
  if (found !== undefined) return found;
  const known = topology.nodes.map((node) => node.name).join(", ");
  throw new Error(`topology ${topology.name} has no node ${name}: it has ${known}`);
}

/** By `n1-n3` or `n3-n1`. */
export function linkNamed(topology: Topology, name: string): TopologyLink {
  const found = topology.links.find(
    ({ between: [one, other] }) => name === `${one}-${other}` || name === `${other}-${one}`,
  );
  if (found !== undefined) return found;
  const known = topology.links.map(({ between }) => linkName(between)).join(", ");
  throw new Error(`topology ${topology.name} has no link ${name}: it has ${known}`);
}

/** The nodes at the far ends of a node's links. */
export function peersOf(topology: Topology, node: string): readonly string[] {
  return topology.links.flatMap(({ between: [one, other] }) =>
    one === node ? [other] : other === node ? [one] : [],
  );
}

/** Links that can fail while their ends still reach each other some other way. */
export function linksWithWayRound(topology: Topology): readonly TopologyLink[] {
  return topology.links.filter((link) => {
    const others = topology.links.filter((other) => other !== link);
    const [from, to] = link.between;
    return reachableFrom(from, others).has(to);
  });
}

export function reachableFrom(
  node: string,
  links: readonly Pick<TopologyLink, "between">[],
): ReadonlySet<string> {
  const found = new Set([node]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const { between } of links) {
      if (between.some((end) => found.has(end))) for (const end of between) found.add(end);
    }
  }
  return found;
}

/**
 * The mesh as a graph, put together from what each node sees of it. A node knows its own links and
 * which neighbour leads to whom; what lies between stays unknown until that node's view is there. So
 * a link is either heard (one of its ends said so) or only assumed.
 */

/** How good a link is, in the unit of the routing algorithm; higher is better. */
export interface LinkQuality {
  readonly metric: "tq" | "throughput-kbps";
  readonly value: number;
}

export interface LinkView {
  /** The node at the other end. */
  readonly to: string;
  /** The interface at this end; null: not known. */
  readonly interface: string | null;
  /** In the direction away from this node; null: not known. */
  readonly quality: LinkQuality | null;
}

/** What one node sees. Nodes go by their originator address. */
export interface NodeView {
  readonly node: string;
  /** For people; null: only the address is known. */
  readonly label: string | null;
  /** Direct neighbours. */
  readonly links: readonly LinkView[];
  /** Nodes that neighbours lead to, be they further away or neighbours too; and which those are. */
  readonly beyond: readonly { readonly node: string; readonly via: readonly string[] }[];
  /** Reaches the outside and offers it to others. */
  readonly isGateway: boolean;
  /** The others of which it knows that they do. */
  readonly gateways: readonly string[];
}

export interface TopologyNode {
  readonly id: string;
  readonly label: string | null;
  readonly isGateway: boolean;
  /** Its own view is part of the picture. */
  readonly isKnown: boolean;
}

/** Undirected; each end may have its own idea of the quality. `from` sorts before `to`. */
export interface TopologyLink {
  readonly from: string;
  readonly to: string;
  /** Assumed: somewhere between the two there is a way, perhaps over nodes nobody has told of. */
  readonly kind: "heard" | "assumed";
  readonly fromQuality: LinkQuality | null;
  readonly toQuality: LinkQuality | null;
}

export interface Topology {
  readonly nodes: readonly TopologyNode[];
  readonly links: readonly TopologyLink[];
}

/** The picture that all these views give together; it does not depend on their order. */
export function mergeViews(views: readonly NodeView[]): Topology {
  const nodes = new Map<string, TopologyNode>();
  const links = new Map<string, TopologyLink>();
  const known = new Set(views.map(({ node }) => node));
  for (const view of views) {
    const { node, label, isGateway } = view;
    nodes.set(node, { id: node, label, isGateway, isKnown: true });
    for (const { to } of view.links) addStranger(nodes, to);
    for (const link of view.links) {
      if (link.to !== node) addHeard(links, node, link);
    }
  }
  for (const view of views) {
    for (const { node, via } of view.beyond) {
      addStranger(nodes, node);
      // A node that tells of itself has told which links it has.
      if (known.has(node)) continue;
      for (const neighbour of via) {
        addStranger(nodes, neighbour);
        if (!known.has(neighbour)) addAssumed(links, neighbour, node);
      }
    }
  }
  for (const gateway of views.flatMap(({ gateways }) => gateways)) {
    addStranger(nodes, gateway);
    const node = nodes.get(gateway);
    // What a node says of itself is newer than what is told of it.
    if (node?.isKnown === false) nodes.set(gateway, { ...node, isGateway: true });
  }
  return {
    nodes: [...nodes.values()].toSorted((one, other) => compare(one.id, other.id)),
    links: [...links.values()].toSorted(
      (one, other) => compare(one.from, other.from) || compare(one.to, other.to),
    ),
  };
}

/** Nodes that nobody has named yet get the names they go by elsewhere; they stay unknown. */
export function withNames(topology: Topology, names: ReadonlyMap<string, string>): Topology {
  const nodes = topology.nodes.map((node) => ({
    ...node,
    label: node.label ?? names.get(node.id) ?? null,
  }));
  return { nodes, links: topology.links };
}

const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);

function addStranger(nodes: Map<string, TopologyNode>, id: string): void {
  if (nodes.has(id)) return;
  nodes.set(id, { id, label: null, isGateway: false, isKnown: false });
}

function endsOf(one: string, other: string): readonly [from: string, to: string, key: string] {
  const [from, to] = compare(one, other) < 0 ? [one, other] : [other, one];
  return [from, to, `${from} ${to}`];
}

/** Of several links between two nodes (one an interface) the best counts. */
function addHeard(links: Map<string, TopologyLink>, node: string, link: LinkView): void {
  const [from, to, key] = endsOf(node, link.to);
  const before = links.get(key);
  const heard = before?.kind === "heard" ? before : null;
  const [fromBefore, toBefore] = [heard?.fromQuality ?? null, heard?.toQuality ?? null];
  links.set(key, {
    from,
    to,
    kind: "heard",
    fromQuality: node === from ? better(fromBefore, link.quality) : fromBefore,
    toQuality: node === to ? better(toBefore, link.quality) : toBefore,
  });
}

function addAssumed(links: Map<string, TopologyLink>, one: string, other: string): void {
  if (one === other) return;
  const [from, to, key] = endsOf(one, other);
  if (links.has(key)) return;
  links.set(key, { from, to, kind: "assumed", fromQuality: null, toQuality: null });
}

function better(one: LinkQuality | null, other: LinkQuality | null): LinkQuality | null {
  if (one === null || other === null) return one ?? other;
  return other.value > one.value ? other : one;
}

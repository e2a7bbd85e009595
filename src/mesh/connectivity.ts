/**
 * Where a mesh breaks: nodes and links whose loss would part it, and the parts it is in already.
 * Tarjan's depth-first search with low links (R. Tarjan, "Depth-first search and linear graph
 * algorithms", SIAM J. Comput. 1, 1972), without recursion, for a mesh may be a line of a thousand.
 */

export interface Graph {
  readonly nodes: readonly string[];
  /** Undirected; both ends are among the nodes. */
  readonly links: readonly { readonly from: string; readonly to: string }[];
}

export interface Weakness {
  /** Nodes that others need to reach each other (articulation points). */
  readonly cutNodes: ReadonlySet<string>;
  /** Links that are the last path between two parts (bridges), as indexes into `links`. */
  readonly cutLinks: ReadonlySet<number>;
  /** The nodes that reach each other, largest part first. More than one: it is parted. */
  readonly parts: readonly (readonly string[])[];
}

interface Visit {
  readonly node: number;
  /** The link by which it was entered; -1 at the root. */
  readonly by: number;
  next: number;
}

export function findWeakness(graph: Graph): Weakness {
  return new Search(graph).run();
}

class Search {
  readonly #graph: Graph;
  /** Per node: pairs of the node at the other end and the link. */
  readonly #ways: (readonly [to: number, link: number])[][];
  readonly #order: Int32Array;
  readonly #low: Int32Array;
  readonly #cutNodes = new Set<string>();
  readonly #cutLinks = new Set<number>();
  #clock = 0;

  constructor(graph: Graph) {
    this.#graph = graph;
    const places = new Map(graph.nodes.map((node, place) => [node, place]));
    this.#ways = graph.nodes.map(() => []);
    for (const [link, { from, to }] of graph.links.entries()) {
      const [one, other] = [places.get(from), places.get(to)];
      if (one === undefined || other === undefined || one === other) continue;
      this.#ways[one]?.push([other, link]);
      this.#ways[other]?.push([one, link]);
    }
    this.#order = new Int32Array(graph.nodes.length);
    this.#low = new Int32Array(graph.nodes.length);
  }

  run(): Weakness {
    const parts: string[][] = [];
    for (let root = 0; root < this.#graph.nodes.length; root++) {
      if (this.#order[root] === 0) parts.push(this.#explore(root));
    }
    parts.sort((one, other) => other.length - one.length);
    return { cutNodes: this.#cutNodes, cutLinks: this.#cutLinks, parts };
  }

  #explore(root: number): string[] {
    const part: string[] = [];
    const path: Visit[] = [];
    let rootBranches = 0;
    this.#enter(root, -1, path, part);
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const way = this.#ways[visit.node]?.[visit.next++];
      if (way === undefined) {
        path.pop();
        const parent = path.at(-1);
        if (parent === undefined) break;
        if (parent.node === root) rootBranches++;
        this.#leave(visit, parent.node, parent.node === root);
        continue;
      }
      const [to, link] = way;
      // Back by the very link it came by is no second way; another link between the two is one.
      if (link === visit.by) continue;
      if (this.#order[to] === 0) this.#enter(to, link, path, part);
      else this.#lower(visit.node, this.#order[to] ?? 0);
    }
    if (rootBranches > 1) this.#cutNodes.add(this.#name(root));
    return part;
  }

  #enter(node: number, by: number, path: Visit[], part: string[]): void {
    this.#clock++;
    this.#order[node] = this.#clock;
    this.#low[node] = this.#clock;
    path.push({ node, by, next: 0 });
    part.push(this.#name(node));
  }

  #leave({ node, by }: Visit, parent: number, parentIsRoot: boolean): void {
    const low = this.#low[node] ?? 0;
    const parentOrder = this.#order[parent] ?? 0;
    this.#lower(parent, low);
    if (low > parentOrder) this.#cutLinks.add(by);
    if (low >= parentOrder && !parentIsRoot) this.#cutNodes.add(this.#name(parent));
  }

  #lower(node: number, to: number): void {
    this.#low[node] = Math.min(this.#low[node] ?? 0, to);
  }

  #name(node: number): string {
    return this.#graph.nodes[node] ?? "";
  }
}

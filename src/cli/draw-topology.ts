/** The mesh as a tree of lines: from this node outwards over its best links, the others below. */

import type { NetworkGraph } from "./answers.ts";
import { printable, type Terminal } from "./terminal.ts";

type Link = NetworkGraph["links"][number];
type Node = NetworkGraph["nodes"][number];

/** A mesh larger than this is for `--dot`; the count of what is left out is said. */
const maxLines = 500;

export function drawTopology(terminal: Terminal, graph: NetworkGraph): string {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const treeLinks = new Set<Link>();
  const seen = new Set<string>();
  const lines: string[] = [];
  const children = spanning(graph, nodes, seen, treeLinks);
  for (const root of children.roots) {
    drawNode(terminal, { graph, nodes, children: children.of, lines }, root, null, "", "");
  }
  const others = graph.links.filter((link) => !treeLinks.has(link));
  if (others.length > 0) {
    lines.push("", terminal.paint("bold", "further links"));
    for (const link of others) {
      const ends = `${nameOf(nodes, link.source)} - ${nameOf(nodes, link.target)}`;
      lines.push(`  ${ends}  ${linkWords(terminal, link)}`);
    }
  }
  const left = lines.length - maxLines;
  const shown = left > 0 ? [...lines.slice(0, maxLines), `... and ${left} lines more`] : lines;
  return `${[...shown, "", summary(terminal, graph)].join("\n")}\n`;
}

interface Child {
  readonly node: string;
  readonly link: Link;
}

/** For each part a tree: from this node, or else from any, always on by the cheapest link. */
function spanning(
  graph: NetworkGraph,
  nodes: ReadonlyMap<string, Node>,
  seen: Set<string>,
  used: Set<Link>,
): { readonly roots: readonly string[]; readonly of: ReadonlyMap<string, readonly Child[]> } {
  const ways = new Map<string, Child[]>();
  for (const link of graph.links) {
    ways.set(link.source, [...(ways.get(link.source) ?? []), { node: link.target, link }]);
    ways.set(link.target, [...(ways.get(link.target) ?? []), { node: link.source, link }]);
  }
  const of = new Map<string, Child[]>();
  const roots: string[] = [];
  const starts = [...(graph.router_id === null ? [] : [graph.router_id]), ...nodes.keys()];
  for (const start of starts) {
    if (seen.has(start) || !nodes.has(start)) continue;
    roots.push(start);
    seen.add(start);
    const queue = [start];
    for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
      const next = (ways.get(node) ?? []).toSorted((one, other) => one.link.cost - other.link.cost);
      for (const child of next) {
        if (seen.has(child.node) || !nodes.has(child.node)) continue;
        seen.add(child.node);
        used.add(child.link);
        queue.push(child.node);
        of.set(node, [...(of.get(node) ?? []), child]);
      }
    }
  }
  return { roots, of };
}

interface Drawing {
  readonly graph: NetworkGraph;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly children: ReadonlyMap<string, readonly Child[]>;
  readonly lines: string[];
}

function drawNode(
  terminal: Terminal,
  drawing: Drawing,
  id: string,
  by: Link | null,
  lead: string,
  below: string,
): void {
  const link = by === null ? "" : `  ${linkWords(terminal, by)}`;
  drawing.lines.push(`${lead}${nodeWords(terminal, drawing, id)}${link}`);
  const children = drawing.children.get(id) ?? [];
  for (const [index, child] of children.entries()) {
    const last = index === children.length - 1;
    const [branch, rest] = last ? ["└── ", "    "] : ["├── ", "│   "];
    drawNode(terminal, drawing, child.node, child.link, `${below}${branch}`, `${below}${rest}`);
  }
}

function nameOf(nodes: ReadonlyMap<string, Node>, id: string): string {
  const label = nodes.get(id)?.label;
  return printable(label === undefined ? id : `${label} (${id})`);
}

function nodeWords(terminal: Terminal, { graph, nodes }: Drawing, id: string): string {
  const node = nodes.get(id);
  const notes = [
    ...(id === graph.router_id ? ["this node"] : []),
    ...(node?.properties.gateway === true ? ["gateway"] : []),
    ...(node?.properties.cut === true ? [terminal.paint("red", "others need it")] : []),
  ];
  const name = terminal.paint("bold", nameOf(nodes, id));
  return notes.length === 0 ? name : `${name}, ${notes.join(", ")}`;
}

function linkWords(terminal: Terminal, { cost_text, properties }: Link): string {
  const notes = [
    ...(properties.kind === "assumed" ? ["way not known"] : [printable(cost_text)]),
    ...(properties.cut ? [terminal.paint("red", "the only path")] : []),
  ];
  return terminal.paint("dim", notes.join(", "));
}

function summary(terminal: Terminal, { nodes, links, topology_id }: NetworkGraph): string {
  const parts = new Set(nodes.map(({ properties }) => properties.part)).size;
  const cut = links.filter(({ properties }) => properties.cut).length;
  const assumed = links.filter(({ properties }) => properties.kind === "assumed").length;
  // Where ways are only assumed to be there, one that is missing cannot be told.
  const none = assumed === 0 ? "no link is" : "no link is known to be";
  const weak =
    cut === 0 ? `${none} anybody's only path` : `${counted(cut, "is", "are")} somebody's only path`;
  const heard = assumed === 0 ? "" : ` (${assumed} of them not seen, only assumed)`;
  const whole = parts > 1 ? terminal.paint("red", `in ${parts} parts`) : "in one part";
  return `${printable(topology_id)}: ${nodes.length} nodes ${whole}, ${links.length} links${heard}; ${weak}`;
}

const counted = (count: number, is: string, are: string): string =>
  count === 1 ? `1 link ${is}` : `${count} links ${are}`;

/** The topology in Graphviz's language (https://graphviz.org/doc/info/lang.html), for `dot -Tsvg`. */

import { findWeakness } from "./connectivity.ts";
import { qualityText, worse } from "./net-json.ts";
import type { Topology, TopologyLink, TopologyNode } from "./topology.ts";

/** What breaks the mesh is red; what is only assumed is dotted. */
export function toDot(topology: Topology, name: string): string {
  const { nodes, links } = topology;
  const weakness = findWeakness({ nodes: nodes.map(({ id }) => id), links });
  return [
    `graph ${quoted(name)} {`,
    "  node [shape=box, style=rounded];",
    ...nodes.map((node) => `  ${nodeLine(node, weakness.cutNodes.has(node.id))}`),
    ...links.map((link, index) => `  ${linkLine(link, weakness.cutLinks.has(index))}`),
    "}",
    "",
  ].join("\n");
}

function nodeLine({ id, label, isGateway, isKnown }: TopologyNode, cut: boolean): string {
  const attributes = [
    `label=${quoted(label === null ? id : `${label}\n${id}`)}`,
    ...(isGateway ? ["peripheries=2"] : []),
    ...(isKnown ? [] : ['style="rounded,dashed"']),
    ...(cut ? ["color=red"] : []),
  ];
  return `${quoted(id)} [${attributes.join(", ")}];`;
}

function linkLine({ from, to, kind, fromQuality, toQuality }: TopologyLink, cut: boolean): string {
  const quality = worse(fromQuality, toQuality);
  const attributes = [
    ...(quality === null ? [] : [`label=${quoted(qualityText(quality))}`]),
    ...(kind === "assumed" ? ["style=dotted"] : []),
    ...(cut ? ["color=red"] : []),
  ];
  return `${quoted(from)} -- ${quoted(to)}${attributes.length === 0 ? "" : ` [${attributes.join(", ")}]`};`;
}

/** A quoted string: what is special in it is escaped, and no byte of a stranger ends it. */
function quoted(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  return `"${escaped}"`;
}

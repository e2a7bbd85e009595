/**
 * What one node's tables say of the mesh, in the mesh's own words. The neighbour table has addresses
 * of interfaces, the originator table those of nodes; which interface is whose the kernel does not say,
 * but a node's own announcements are the only ones over its link that have not paid its hop penalty.
 */

import type { LinkQuality, LinkView, NodeView } from "../index.ts";
import type { MacAddress } from "./mac-address.ts";
import type { MeshTables, Path, Quality } from "./tables.ts";

const linkKey = (neighbour: MacAddress, on: string) => `${neighbour} ${on}`;

/** Null while this node has no originator address: it has no active interface. */
export function nodeView(tables: MeshTables, label: string | null): NodeView | null {
  const { settings, neighbours, paths } = tables;
  const { originator } = settings;
  if (originator === null) return null;
  const metric = settings.algorithm === "BATMAN_IV" ? "tq" : "throughput-kbps";
  const quality = (value: Quality | null): LinkQuality | null =>
    value === null ? null : { metric, value };
  const owners = neighbourOwners(paths);
  const links: LinkView[] = neighbours.map(({ address, interface: on, quality: own }) => {
    const owner = owners.get(linkKey(address, on));
    return {
      to: owner?.originator ?? address,
      interface: on,
      quality: quality(own ?? owner?.quality ?? null),
    };
  });
  const beyond = new Map<MacAddress, Set<string>>();
  for (const path of paths) {
    const hop = owners.get(linkKey(path.neighbour, path.interface))?.originator ?? path.neighbour;
    if (hop === path.originator || path.originator === originator) continue;
    const via = beyond.get(path.originator) ?? new Set();
    via.add(hop);
    beyond.set(path.originator, via);
  }
  return {
    node: originator,
    label,
    links,
    beyond: [...beyond].map(([node, via]) => ({ node, via: [...via] })),
    isGateway: settings.gateway.mode === "server",
    gateways: tables.gateways.map((each) => each.originator),
  };
}

/** Per link the originator that is best over it: the node at its other end. */
function neighbourOwners(paths: readonly Path[]): ReadonlyMap<string, Path> {
  const owners = new Map<string, Path>();
  for (const path of paths) {
    const key = linkKey(path.neighbour, path.interface);
    // The primary interface of a node has the node's own address: that is beyond doubt.
    const certain = path.neighbour === path.originator;
    const known = owners.get(key);
    const sure = known !== undefined && known.neighbour === known.originator;
    if (certain || (!sure && path.quality > (known?.quality ?? -1))) owners.set(key, path);
  }
  return owners;
}

/** Where the topology files are. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseTopology } from "./parse-topology.ts";
import type { Topology } from "./topology.ts";

const folder = join(import.meta.dirname, "../topologies");

export function topologyNames(): readonly string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => file.slice(0, -".yaml".length))
    .toSorted();
}

/** By its name, or by the path of a file elsewhere. Throws with all that is wrong in it. */
export function loadTopology(nameOrPath: string): Topology {
  const isPath = nameOrPath.endsWith(".yaml");
  if (!isPath && !topologyNames().includes(nameOrPath)) {
    throw new Error(`no topology ${nameOrPath}: there are ${topologyNames().join(", ")}`);
  }
  const file = isPath ? nameOrPath : join(folder, `${nameOrPath}.yaml`);
  const parsed = parseTopology(nameOrPath, readFileSync(file, "utf8"));
  if (parsed.ok) return parsed.topology;
  throw new Error(`${file}:\n${parsed.faults.map((fault) => `  ${fault}`).join("\n")}`);
}

/** `meshmend topology`: the mesh as this node sees it, drawn, as NetJSON, or for Graphviz. */

import { networkGraphShape } from "../answers.ts";
import { type DaemonOptions, findDaemon } from "../daemon-address.ts";
import { drawTopology } from "../draw-topology.ts";
import { type ExitCode, exitCode } from "../exit-code.ts";
import { complainOf, type Terminal } from "../terminal.ts";

export interface TopologyOptions extends DaemonOptions {
  readonly json?: boolean;
  readonly dot?: boolean;
}

const path = "/api/v1/mesh/topology";

export async function topology(terminal: Terminal, options: TopologyOptions): Promise<ExitCode> {
  const daemon = await findDaemon(terminal, options);
  if (!daemon.ok) return complainOf(terminal, daemon.fault);
  if (options.dot === true) {
    const dot = await daemon.value.text(`${path}?format=dot`);
    if (!dot.ok) return complainOf(terminal, dot.fault);
    terminal.write(dot.value);
    return exitCode.ok;
  }
  const graph = await daemon.value.get(path, networkGraphShape);
  if (!graph.ok) return complainOf(terminal, graph.fault);
  const asJson = () => `${JSON.stringify(graph.value, null, 2)}\n`;
  terminal.write(options.json === true ? asJson() : drawTopology(terminal, graph.value));
  return exitCode.ok;
}

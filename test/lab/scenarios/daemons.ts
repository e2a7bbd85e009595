/** A daemon in every node: it starts, sees its own interfaces and no other's, and stops in time. */

import type { Observation } from "../../../src/mape-k/index.ts";
import { hardInterface, peersOf } from "../topology/topology.ts";
import type { Scenario } from "./scenario.ts";

export const daemons: Scenario = {
  name: "daemons",
  description: "meshmend in every node: it starts, sees its interfaces, beats, and stops",
  topology: "triangle",
  algorithms: ["BATMAN_V", "BATMAN_IV"],
  async run({ mesh, claim, fact }) {
    const nodes = mesh.topology.nodes.map(({ name }) => name);
    const started = await Promise.all(nodes.map((node) => mesh.startMeshmend(node)));
    fact(
      "startMs",
      started.map(({ startMs }) => startMs),
    );
    for (const daemon of started) {
      const { observation } = await daemon.get<{ observation: Observation | null }>(
        "/api/v1/mape-k/observations",
      );
      const seen = observation?.interfaces?.map(({ name }) => name).toSorted() ?? [];
      const own = ["bat0", ...peersOf(mesh.topology, daemon.node).map(hardInterface)];
      const missing = own.filter((name) => !seen.includes(name));
      claim(`${daemon.node} sees bat0 and its links`, missing.length === 0, seen);
    }
    for (const daemon of started) {
      const startedMs = performance.now();
      const end = await daemon.stop();
      const tookMs = Math.round(performance.now() - startedMs);
      claim(`${daemon.node} stops cleanly within 8 s`, end.exitCode === 0, { ...end, tookMs });
    }
  },
};

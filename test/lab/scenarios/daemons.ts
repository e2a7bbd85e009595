/** A daemon in every node: it starts, sees its own interfaces, finds the others, and stops in time. */

import { setTimeout as delay } from "node:timers/promises";
import type { Observation } from "../../../src/mape-k/index.ts";
import type { MeshmendNode } from "../meshmend-node.ts";
import { hardInterface, peersOf } from "../topology/topology.ts";
import type { Scenario } from "./scenario.ts";

interface FoundPeer {
  readonly nodeId: string;
  readonly originator: string | null;
  readonly inOriginatorTable: boolean | null;
}

const peersWithinMs = 30_000;

/** Those tied to the mesh, once there are so many or the time is over. */
async function peersSoon(daemon: MeshmendNode, count: number): Promise<readonly FoundPeer[]> {
  const untilMs = performance.now() + peersWithinMs;
  for (;;) {
    const { peers } = await daemon.get<{ peers: FoundPeer[] }>("/api/v1/mesh/peers");
    const tied = peers.filter(({ inOriginatorTable }) => inOriginatorTable === true);
    if (tied.length >= count || performance.now() > untilMs) return peers;
    await delay(500);
  }
}

export const daemons: Scenario = {
  name: "daemons",
  description:
    "meshmend in every node: it starts, sees its interfaces, finds the others, and stops",
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
      const found = await peersSoon(daemon, nodes.length - 1);
      const tied = found.filter(({ inOriginatorTable }) => inOriginatorTable === true);
      const holds = tied.length === nodes.length - 1;
      claim(
        `${daemon.node} finds the others over bat0, each an originator`,
        holds,
        found.map(({ nodeId, originator }) => `${nodeId} ${originator}`),
      );
    }
    for (const daemon of started) {
      const startedMs = performance.now();
      const end = await daemon.stop();
      const tookMs = Math.round(performance.now() - startedMs);
      claim(`${daemon.node} stops cleanly within 8 s`, end.exitCode === 0, { ...end, tookMs });
    }
  },
};

/** The stories of test/lab/scenarios on the real batman-adv, on one mesh for each algorithm. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConnectedLab, connectLab, labProblemHere } from "./connect-lab.ts";
import { Mesh } from "./mesh.ts";
import { scenarioNamed } from "./scenarios/index.ts";
import { runScenario } from "./scenarios/scenario.ts";
import { loadTopology } from "./topology/load-topology.ts";
import type { RoutingAlgorithm } from "./topology/topology.ts";

const problem = labProblemHere();
const storyWithinMs = 420_000;
/** Longer ones are for `npm run lab -- --minutes`. */
const minutes = 1;

/**
 * `first-repair` begins with a mesh that nobody heals, starts every daemon, and has a quiet time: no
 * need to tell `bare-triangle`, `daemons` and `quiet` as well; nor `faults`, which it makes and ends.
 */
const told: Readonly<Record<RoutingAlgorithm, readonly string[]>> = {
  BATMAN_V: ["first-repair", "silent-neighbour"],
  BATMAN_IV: ["noticed"],
};

describe.each(["BATMAN_V", "BATMAN_IV"] as const)("a triangle of %s nodes", (algorithm) => {
  let lab: ConnectedLab;
  let mesh: Mesh;
  beforeAll(async () => {
    if (problem !== null) return;
    lab = await connectLab();
    mesh = await Mesh.open(lab.guest, loadTopology("triangle"), { algorithm });
  });
  afterAll(async () => {
    await lab?.close();
  });

  for (const name of told[algorithm]) {
    const scenario = scenarioNamed(name);
    it(`${name}: ${scenario.description}`, { timeout: storyWithinMs }, async (context) => {
      if (problem !== null) return context.skip(problem);
      const result = await runScenario(scenario, mesh, {
        minutes,
        say: () => {},
      });
      const failed = result.claims.filter(({ holds }) => !holds);
      expect({ error: result.error, failed }, result.story.join("\n")).toEqual({
        error: null,
        failed: [],
      });
    });
  }
});

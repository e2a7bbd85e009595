/** Suites that need a kernel which the host has not, run where it is: inside the machine. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadNative } from "../../src/ebpf/io/load-native.ts";
import { type ConnectedLab, connectLab, labProblemHere } from "./connect-lab.ts";
import { Mesh } from "./mesh.ts";
import { runTestsInGuest } from "./run-in-guest.ts";
import { loadTopology } from "./topology/load-topology.ts";
import { routingAlgorithms } from "./topology/topology.ts";

const problem = labProblemHere();
const withinMs = 300_000;
const compliance = "test/compliance/batman-port.test.ts";
/** What does not depend on the algorithm comes along: a vitest takes half a minute to begin there. */
const once = [
  "test/integration/interfaces-sensor.test.ts",
  "test/integration/mesh/actuators.test.ts",
];

describe("inside the machine", () => {
  let lab: ConnectedLab;
  beforeAll(async () => {
    if (problem === null) lab = await connectLab();
  });
  afterAll(async () => {
    await lab?.close();
  });

  it.for(routingAlgorithms)(
    "a real mesh of %s is read, set and put back by every way there is",
    {
      timeout: withinMs,
    },
    async (algorithm, context) => {
      if (problem !== null) return context.skip(problem);
      await Mesh.open(lab.guest, loadTopology("triangle"), { algorithm });
      const files = [compliance, ...(algorithm === "BATMAN_V" ? once : [])];
      const options = { namespace: "n1", timeoutMs: withinMs - 30_000 };
      const outcome = await runTestsInGuest(lab.guest, files, options);
      expect(outcome.failed, outcome.output).toBe(0);
      expect(outcome.passed, outcome.output).toBeGreaterThan(0);
      // By batctl, always; by netlink where the addon is built.
      const native = loadNative().kind === "available";
      const surprising = outcome.skipped.filter((line) => native || !line.includes("native addon"));
      expect(surprising).toEqual([]);
    },
  );
});

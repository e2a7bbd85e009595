/** Suites that need a kernel which the host has not, run where it is: inside the machine. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadNative } from "../../src/ebpf/io/load-native.ts";
import { type ConnectedLab, connectLab, labProblemHere } from "./connect-lab.ts";
import { Mesh } from "./mesh.ts";
import { runTestsInGuest } from "./run-in-guest.ts";
import { loadTopology } from "./topology/load-topology.ts";
import { routingAlgorithms } from "./topology/topology.ts";

const problem = labProblemHere();
const withinMs = 240_000;

describe("inside the machine", () => {
  let lab: ConnectedLab;
  beforeAll(async () => {
    if (problem === null) lab = await connectLab();
  });
  afterAll(async () => {
    await lab?.close();
  });

  it("the interfaces sensor reads Debian's kernel as it reads this one", {
    timeout: withinMs,
  }, async (context) => {
    if (problem !== null) return context.skip(problem);
    const outcome = await runTestsInGuest(lab.guest, [
      "test/integration/interfaces-sensor.test.ts",
    ]);
    expect(outcome.failed, outcome.output).toBe(0);
    expect(outcome.passed, outcome.output).toBeGreaterThan(0);
    expect(outcome.skipped).toEqual([]);
  });

  it.for(routingAlgorithms)(
    "every way to read and set %s passes one suite on a real bat0",
    {
      timeout: withinMs,
    },
    async (algorithm, context) => {
      if (problem !== null) return context.skip(problem);
      await Mesh.open(lab.guest, loadTopology("triangle"), { algorithm });
      const suite = "test/compliance/batman-port.test.ts";
      const outcome = await runTestsInGuest(lab.guest, [suite], { namespace: "n1" });
      expect(outcome.failed, outcome.output).toBe(0);
      // By batctl, always; by netlink where the addon is built, which the skipped tests say.
      expect(outcome.passed, outcome.output).toBeGreaterThan(0);
      const native = loadNative();
      const allowed = native.kind === "available" ? null : native.why;
      const surprising = outcome.skipped.filter(
        (line) => allowed === null || !line.includes(allowed),
      );
      expect(surprising).toEqual([]);
    },
  );
});

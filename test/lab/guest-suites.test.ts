/** Suites that need a kernel which the host has not, run where it is: inside the machine. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConnectedLab, connectLab, labProblemHere } from "./connect-lab.ts";
import { Mesh } from "./mesh.ts";
import { runTestsInGuest } from "./run-in-guest.ts";
import { loadTopology } from "./topology/load-topology.ts";

const problem = labProblemHere();
const root = resolve(import.meta.dirname, "../..");
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

  it("every way to read and set batman-adv passes one suite on a real bat0", {
    timeout: withinMs,
  }, async (context) => {
    if (problem !== null) return context.skip(problem);
    const suite = "test/compliance/batman-port.test.ts";
    if (!existsSync(resolve(root, suite))) context.skip(`pending: there is no ${suite} yet`);
    await Mesh.open(lab.guest, loadTopology("triangle"));
    const outcome = await runTestsInGuest(lab.guest, [suite], { namespace: "n1" });
    expect(outcome.failed, outcome.output).toBe(0);
    expect(outcome.passed, outcome.output).toBeGreaterThan(0);
  });
});

import { describe, expect, it } from "vitest";
import { describeAction } from "../../../../src/mape-k/action.ts";
import type { InterfaceReading } from "../../../../src/mape-k/observation.ts";
import {
  type PlanOptions,
  planRepair,
  planSubjects,
} from "../../../../src/mape-k/plan/plan-repair.ts";
import type { SymptomKind } from "../../../../src/mape-k/symptom.ts";
import { interfaceReading, observation, symptom } from "../support/readings.ts";

const options: PlanOptions = { mayRepair: (name) => name !== "eth0", verifyMs: 15_000 };
const down = (name = "mesh0") => symptom("interface-down", `interface/${name}`);
const seeing = (...readings: Partial<InterfaceReading>[]) =>
  observation({ interfaces: readings.map(interfaceReading) });
const words = (plan: ReturnType<typeof planRepair>) => ({
  actions: plan.actions.map(describeAction),
  undo: plan.undo.map(describeAction),
  rejected: plan.alternatives.map(({ action, rejectedBecause }) => [
    action?.kind ?? "nothing",
    rejectedBecause,
  ]),
});

describe("planRepair", () => {
  it("sets an interface up that was set down", () => {
    const plan = planRepair(down(), seeing({ adminUp: false, operState: "down" }), options);
    expect(words(plan)).toEqual({
      actions: ["set mesh0 up"],
      undo: ["set mesh0 down"],
      rejected: [
        ["interface-bounce", "mesh0 is down already; setting it up is enough"],
        ["nothing", "mesh0 was up before and nothing else will set it up"],
      ],
    });
    expect(planSubjects(plan)).toEqual(["interface/mesh0"]);
  });

  it("bounces an interface that is set up and has no carrier", () => {
    const plan = planRepair(down(), seeing({ operState: "down" }), options);
    expect(words(plan)).toEqual({
      actions: ["set mesh0 down and up again after 500 ms"],
      undo: ["set mesh0 up"],
      rejected: [
        ["interface-up", "mesh0 is set up already; the carrier is missing"],
        ["nothing", "a driver or peer that is stuck often needs a new link"],
      ],
    });
  });

  it.each([
    { seen: seeing(), name: "mesh0", why: "mesh0 does not exist" },
    {
      seen: seeing({ name: "eth0", operState: "down" }),
      name: "eth0",
      why: "repair.interfaces does not name eth0",
    },
    {
      seen: seeing({ name: "br0", operState: "down", stacked: true }),
      name: "br0",
      why: "br0 stands on other interfaces: the carrier that is missing is theirs",
    },
    { seen: observation(), name: "mesh0", why: "the interfaces could not be seen" },
  ])("only tells when nothing can be done: $why", ({ seen, name, why }) => {
    const plan = planRepair(down(name), seen, options);
    expect(words(plan)).toEqual({
      actions: [`tell: interface-down of interface/${name}`],
      undo: [],
      rejected: [
        ["interface-up", why],
        ["interface-bounce", why],
      ],
    });
    expect(planSubjects(plan)).toEqual([]);
  });

  it.each<SymptomKind>([
    "flapping",
    "error-burst",
    "drop-burst",
    "target-unreachable",
    "retransmit-burst",
    "listen-drops",
    "resource-pressure",
    "storage-low",
    "sensor-failed",
  ])("has no repair for %s: it tells, at the symptom's severity", (kind) => {
    const plan = planRepair(
      symptom(kind, "interface/mesh0", { severity: "critical" }),
      seeing({}),
      options,
    );
    expect(plan.actions).toMatchObject([{ kind: "tell", severity: "critical" }]);
    expect([plan.undo, plan.alternatives]).toEqual([[], []]);
  });

  it("says how it will be judged", () => {
    expect(planRepair(down(), seeing({ operState: "down" }), options)).toMatchObject({
      reason: "interface-down of interface/mesh0; set mesh0 down and up again after 500 ms",
      expectedGain: "mesh0 gets its carrier back",
      expectation: {
        symptom: "interface-down:interface/mesh0",
        withinMs: 15_000,
        quietBeats: 3,
      },
    });
  });
});

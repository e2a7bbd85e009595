import { describe, expect, it } from "vitest";
import type {
  MeshInterfaceReading,
  MeshLinkReading,
  MeshReading,
} from "../../../../src/mape-k/observation.ts";
import { planRepair } from "../../../../src/mape-k/plan/plan-repair.ts";
import { patienceAfter } from "../../../../src/mape-k/plan/plan-steering.ts";
import { linkSubject } from "../../../../src/mape-k/subject.ts";
import { meshLink, meshReading, observation, policy, symptom } from "../support/readings.ts";

const lossy = symptom("link-loss", linkSubject(meshLink()), { severity: "critical" });

interface World {
  readonly algorithm?: MeshReading["algorithm"];
  readonly link?: Partial<MeshLinkReading>;
  readonly on?: Partial<MeshInterfaceReading>;
}

function planFor({ algorithm = "BATMAN_V", link, on }: World, mayRepair = () => true) {
  const [wlan0] = meshReading().interfaces;
  if (wlan0 === undefined) throw new Error("expected an interface");
  const mesh = meshReading({
    algorithm,
    links: [meshLink(link)],
    interfaces: [{ ...wlan0, ...on }],
  });
  return planRepair(lossy, observation({ mesh }), { ...policy.plan, mayRepair });
}

describe("the way around a lossy link", () => {
  it.each([
    ["a tenth of the alternative", 50_000, 5_000],
    ["in whole units of batman-adv", 8_823_500, 882_300],
    ["never none, which would be no override", 300, 100],
  ])("under BATMAN_V is an override: %s", (_, worstAlternativeQuality, throughputKbps) => {
    const plan = planFor({
      link: { worstAlternativeQuality },
      on: { throughputOverrideKbps: 700_000_000 },
    });
    expect(plan).toMatchObject({
      actions: [{ kind: "throughput-override", interface: "wlan0", throughputKbps }],
      undo: [{ kind: "restore", to: { throughputKbps: 700_000_000 }, from: { throughputKbps } }],
      expectation: { proof: "traffic-moved" },
      standing: { releaseBeats: 10 },
    });
  });

  it.each([
    ["half of the alternative", 200, 100, 0, 192],
    ["but never so much that the link is worth nothing", 250, 4, 0, 250],
    ["on top of the penalty that is there", 100, 100, 128, 192],
  ])("under BATMAN_IV is a hop penalty: %s", (_, best, alternative, present, hopPenalty) => {
    const plan = planFor({
      algorithm: "BATMAN_IV",
      link: { bestRouteQuality: best, worstAlternativeQuality: alternative },
      on: { hopPenalty: present },
    });
    expect(plan).toMatchObject({
      actions: [{ kind: "interface-hop-penalty", interface: "wlan0", hopPenalty }],
      undo: [{ kind: "restore", to: { hopPenalty: present } }],
    });
    const left = ((best * 255) / (255 - present)) * ((255 - hopPenalty) / 255);
    if (hopPenalty < 250) expect(left).toBeLessThanOrEqual(alternative / 2 + 1);
  });

  it.each<[string, World]>([
    ["no traffic takes this link", { link: { routes: 0 } }],
    ["batman-adv has no such neighbour", { link: { neighbour: "02:00:00:00:00:77" } }],
    ["an override of 5000 kbit/s already", { on: { throughputOverrideKbps: 5_000 } }],
    ["has no throughput override", { on: { throughputOverrideKbps: null } }],
    ["has no hop penalty", { algorithm: "BATMAN_IV", on: { hopPenalty: null } }],
    ["a hop penalty of 250 already", { algorithm: "BATMAN_IV", on: { hopPenalty: 250 } }],
  ])("is not taken, and it is said why: %s", (why, world) => {
    const plan = planFor(world);
    expect(plan).toMatchObject({ actions: [{ kind: "tell" }], undo: [], standing: null });
    const reasons = plan.alternatives.map(({ rejectedBecause }) => rejectedBecause).join();
    expect(reasons).toContain(why.replace("an override", "a throughput override"));
  });

  it("is not taken over an interface that may not be touched", () => {
    const plan = planFor({}, () => false);
    expect(plan.actions).toMatchObject([{ kind: "tell" }]);
    expect(plan.alternatives).toMatchObject([
      {
        action: { kind: "throughput-override" },
        rejectedBecause: "repair.interfaces does not name wlan0",
      },
    ]);
  });

  it("is not looked for where the mesh is not seen", () => {
    const plan = planRepair(lossy, observation(), policy.plan);
    expect(plan.actions).toMatchObject([{ kind: "tell" }]);
  });
});

describe("the patience of a standing repair", () => {
  it("doubles each time and has an end", () => {
    expect([0, 1, 2, 5, 6, 60].map(patienceAfter)).toEqual([10, 20, 40, 320, 600, 600]);
  });
});

describe("a silent neighbour", () => {
  it("is told, and nothing here is restarted for it", () => {
    const silent = symptom("silent-neighbour", linkSubject(meshLink()));
    const plan = planRepair(silent, observation({ mesh: meshReading() }), policy.plan);
    expect(plan.actions).toMatchObject([{ kind: "tell" }]);
    expect(plan.alternatives.map(({ action }) => action)).toMatchObject([
      { kind: "mesh-reenslave", interface: "wlan0" },
      { kind: "interface-bounce", interface: "wlan0" },
    ]);
  });
});

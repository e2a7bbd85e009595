import { describe, expect, it } from "vitest";
import type { Action } from "../../../../src/mape-k/action.ts";
import { whatIsCut } from "../../../../src/mape-k/guard/last-path.ts";
import { planOf } from "../../../../src/mape-k/plan/plan-of.ts";
import {
  interfaceReading,
  meshLink,
  meshReading,
  observation,
  peer,
  policy,
  symptom,
} from "../support/readings.ts";

const plan = (action: Action) => {
  const any = symptom("interface-down", "interface/wlan0");
  return planOf(any, policy.plan, action, "", []);
};
const wlan0 = { interface: "wlan0" };
const wires = [interfaceReading({ name: "wlan0" }), interfaceReading({ name: "wlan1" })];
const alone = meshReading({
  links: [meshLink({ routesWithoutAlternative: 2 }), meshLink({ ...wlan0, neighbour: "x" })],
});

const interrupting: readonly Action[] = [
  { kind: "interface-bounce", ...wlan0, downMs: 1 },
  { kind: "interface-down", ...wlan0 },
  { kind: "mesh-reenslave", ...wlan0 },
  { kind: "mesh-membership", ...wlan0, member: false },
];
const steering: readonly Action[] = [
  { kind: "throughput-override", ...wlan0, throughputKbps: 100 },
  { kind: "interface-hop-penalty", ...wlan0, hopPenalty: 200 },
];
const harmless: readonly Action[] = [
  { kind: "interface-up", ...wlan0 },
  { kind: "mesh-membership", ...wlan0, member: true },
  { kind: "throughput-override", ...wlan0, throughputKbps: 0 },
  { kind: "interface-hop-penalty", ...wlan0, hopPenalty: 0 },
  { kind: "elp-interval", ...wlan0, intervalMs: 500 },
  { kind: "interface-bounce", interface: "wlan1", downMs: 1 },
];

describe("the last path", () => {
  it.each([...interrupting, ...steering])("is spared by $kind", (action) => {
    const seen = observation({ interfaces: wires, mesh: alone });
    expect(whatIsCut(plan(action), seen)).toBe("2 originators are reached over wlan0 alone");
  });

  it("is spared by shutting a neighbour out, however its address is spelt", () => {
    const cuts = (address: string, denied = true) => {
      const action: Action = { kind: "frame-deny", interface: "bat0", address, denied };
      return whatIsCut(plan(action), observation({ interfaces: wires, mesh: alone }));
    };
    expect(cuts(peer)).toBe(`2 originators are reached over ${peer} alone`);
    expect(cuts(peer.toUpperCase())).not.toBeNull();
    expect(cuts("x")).toBeNull();
    expect(cuts(peer, false)).toBeNull();
  });

  it.each([...interrupting, ...steering])(
    "is not in the way of $kind with an alternative",
    (action) => {
      const seen = observation({ interfaces: wires, mesh: meshReading() });
      expect(whatIsCut(plan(action), seen)).toBeNull();
    },
  );

  it.each(harmless)("is not cut by %j", (action) => {
    const seen = observation({ interfaces: wires, mesh: alone });
    expect(whatIsCut(plan(action), seen)).toBeNull();
  });

  it.each(interrupting)("is not over an interface that is down already: $kind", (action) => {
    const interfaces = [interfaceReading({ name: "wlan0", operState: "down" }), ...wires.slice(1)];
    const seen = observation({ interfaces, mesh: alone });
    expect(whatIsCut(plan(action), seen)).toBeNull();
  });

  it.each(interrupting)("is the last interface where no mesh is seen: $kind", (action) => {
    const seen = observation({ interfaces: wires.slice(0, 1) });
    expect(whatIsCut(plan(action), seen)).toBe("it would take down the last interface that works");
  });
});

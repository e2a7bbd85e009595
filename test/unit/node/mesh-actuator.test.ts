import { describe, expect, it } from "vitest";
import { ok } from "../../../src/base/index.ts";
import { type Action, restoreOf, type SettingAction } from "../../../src/mape-k/action.ts";
import { MeshActuator } from "../../../src/node/mesh-actuator.ts";
import { hardInterface, MemoryBatman, meshTables } from "../mesh/batman/support.ts";

const never = new AbortController().signal;
const tables = meshTables({
  hardInterfaces: [hardInterface({ hopPenalty: 12, throughputOverrideKbps: 700 })],
});
const on = { interface: "wlan0" };
const mesh = { interface: "bat0" };

const settings: readonly (readonly [SettingAction, SettingAction])[] = [
  [
    { kind: "throughput-override", ...on, throughputKbps: 100 },
    { kind: "throughput-override", ...on, throughputKbps: 700 },
  ],
  [
    { kind: "interface-hop-penalty", ...on, hopPenalty: 200 },
    { kind: "interface-hop-penalty", ...on, hopPenalty: 12 },
  ],
  [
    { kind: "elp-interval", ...on, intervalMs: 200 },
    { kind: "elp-interval", ...on, intervalMs: 500 },
  ],
  [
    { kind: "mesh-hop-penalty", ...mesh, hopPenalty: 50 },
    { kind: "mesh-hop-penalty", ...mesh, hopPenalty: 30 },
  ],
  [
    { kind: "originator-interval", ...mesh, intervalMs: 2_000 },
    { kind: "originator-interval", ...mesh, intervalMs: 1_000 },
  ],
  [
    { kind: "gateway-mode", ...mesh, gateway: { mode: "server", downKbps: 900, upKbps: 100 } },
    { kind: "gateway-mode", ...mesh, gateway: { mode: "off" } },
  ],
  [
    { kind: "mesh-membership", ...on, member: false },
    { kind: "mesh-membership", ...on, member: true },
  ],
];

function actuatorOn(batman: MemoryBatman, name: string | null = "bat0") {
  return new MeshActuator({ port: batman, meshInterface: () => name });
}

describe("the mesh actuator", () => {
  it.each(settings)("applies %j, twice as once, and restores %j", async (wanted, before) => {
    const batman = new MemoryBatman(tables);
    const actuator = actuatorOn(batman);
    const undo = await actuator.undoFor(wanted, never);
    expect(undo).toEqual(ok(restoreOf(wanted, before)));
    expect(await actuator.apply(wanted, never)).toEqual(ok(undefined));
    expect(await actuator.apply(wanted, never)).toEqual(ok(undefined));
    expect(batman.sets).toHaveLength(1);
    expect(undo.ok && (await actuator.apply(undo.value, never))).toEqual(ok(undefined));
    expect(batman.tables.settings).toEqual(tables.settings);
  });

  it("restores what was set and no further when the process died before it began", async () => {
    const batman = new MemoryBatman(tables);
    const wanted: SettingAction = { kind: "throughput-override", ...on, throughputKbps: 100 };
    const present: SettingAction = { ...wanted, throughputKbps: 700 };
    const outcome = await actuatorOn(batman).apply(restoreOf(wanted, present), never);
    expect(outcome).toEqual(ok(undefined));
    expect(batman.sets).toEqual([]);
  });

  it("leaves alone what somebody else has set since", async () => {
    const batman = new MemoryBatman(tables);
    const ours: SettingAction = { kind: "throughput-override", ...on, throughputKbps: 100 };
    const restored = await actuatorOn(batman).apply(
      restoreOf(ours, { ...ours, throughputKbps: 0 }),
      never,
    );
    expect(restored).toMatchObject({ fault: { code: "E_SUPERSEDED" } });
  });

  it("gives an interface that was out of the mesh its settings back", async () => {
    const batman = new MemoryBatman(tables);
    const outcome = await actuatorOn(batman).apply({ kind: "mesh-reenslave", ...on }, never);
    expect(outcome).toEqual(ok(undefined));
    expect(batman.tables.hardInterfaces).toEqual(tables.hardInterfaces);
    expect(batman.sets.slice(0, 2).map(({ kind }) => kind)).toEqual(["membership", "membership"]);
  });

  it.each<[string, Action, string | null, string]>([
    [
      "without a mesh",
      { kind: "mesh-hop-penalty", ...mesh, hopPenalty: 1 },
      null,
      "E_NO_SUCH_SUBJECT",
    ],
    [
      "on another mesh",
      { kind: "mesh-hop-penalty", interface: "bat7", hopPenalty: 1 },
      "bat0",
      "E_NO_SUCH_SUBJECT",
    ],
    [
      "on a stranger",
      { kind: "elp-interval", interface: "eth9", intervalMs: 500 },
      "bat0",
      "E_NO_SUCH_SUBJECT",
    ],
    ["of a bent value", { kind: "elp-interval", ...on, intervalMs: 1 }, "bat0", "E_ACTION_FAILED"],
    ["of another kind", { kind: "interface-up", ...on }, "bat0", "E_NO_CAPABILITY"],
  ])("refuses a change %s", async (_, action, name, code) => {
    const outcome = await actuatorOn(new MemoryBatman(tables), name).apply(action, never);
    expect(outcome).toMatchObject({ ok: false, fault: { code } });
  });
});

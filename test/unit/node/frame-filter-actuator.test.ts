import { describe, expect, it } from "vitest";
import { failed, fault, ok } from "../../../src/base/index.ts";
import { type Action, restoreOf, type SettingAction } from "../../../src/mape-k/action.ts";
import {
  FrameFilterActuator,
  type FrameFilterPort,
} from "../../../src/node/frame-filter-actuator.ts";

const address = "02:00:00:00:00:03";
const deny: SettingAction = { kind: "frame-deny", interface: "bat0", address, denied: true };
const limit: SettingAction = {
  kind: "broadcast-limit",
  interface: "bat0",
  limit: { perSecond: 20, burst: 10 },
};

type Read = Extract<ReturnType<FrameFilterPort["read"]>, { readonly ok: true }>["value"];

/** A filter that does as it is told, but for what a test changes; writes down what it is told. */
function filterWith(changes: Partial<FrameFilterPort> = {}) {
  const sets: unknown[] = [];
  const world: { now: Read } = { now: { denied: ["02:00:00:00:00:09"], broadcastLimit: null } };
  const filter: FrameFilterPort = {
    read: () => ok(world.now),
    setDenied(denied) {
      sets.push(denied);
      world.now = { ...world.now, denied };
      return ok(undefined);
    },
    setBroadcastLimit(broadcastLimit) {
      sets.push(broadcastLimit);
      world.now = { ...world.now, broadcastLimit };
      return ok(undefined);
    },
    ...changes,
  };
  const actuator = new FrameFilterActuator({ filter, meshInterface: () => "bat0" });
  return { actuator, world, sets };
}

describe("the frame filter", () => {
  it.each([
    [deny, { ...deny, denied: false }],
    [limit, { ...limit, limit: null }],
  ] as const)("applies %j, twice as once, and restores what was", async (wanted, before) => {
    const { actuator, world, sets } = filterWith();
    const was = world.now;
    const undo = await actuator.undoFor(wanted);
    expect(undo).toEqual(ok(restoreOf(wanted, before)));
    expect(await actuator.apply(wanted)).toEqual(ok(undefined));
    expect(await actuator.apply(wanted)).toEqual(ok(undefined));
    expect(sets).toHaveLength(1);
    expect(world.now).not.toEqual(was);
    expect(undo.ok && (await actuator.apply(undo.value))).toEqual(ok(undefined));
    expect(world.now).toEqual(was);
  });

  it("knows an address however it is spelt, and leaves the others denied", async () => {
    const { actuator, world } = filterWith();
    await actuator.apply({ ...deny, address: address.toUpperCase() });
    expect(world.now.denied).toEqual(["02:00:00:00:00:09", address]);
    expect(await actuator.undoFor(deny)).toMatchObject({ value: { to: { denied: true } } });
  });

  it("leaves alone what somebody else has changed since", async () => {
    const { actuator, world } = filterWith();
    const undo = await actuator.undoFor(limit);
    await actuator.apply(limit);
    world.now = { ...world.now, broadcastLimit: { perSecond: 99, burst: 1 } };
    const undone = undo.ok && (await actuator.apply(undo.value));
    expect(undone).toMatchObject({ fault: { code: "E_SUPERSEDED" } });
    expect(world.now.broadcastLimit).toEqual({ perSecond: 99, burst: 1 });
  });

  it.each([
    ["E_NOT_PERMITTED", "E_NOT_PERMITTED"],
    ["E_NOT_RUNNING", "E_NO_CAPABILITY"],
    ["E_KERNEL_REFUSED", "E_ACTION_FAILED"],
  ])("says of %s of the program %s, with its remedy", async (code, expected) => {
    const { actuator } = filterWith({ read: () => failed(fault(code, "no", "do this")) });
    const refused = { fault: { code: expected, message: "no", remedy: "do this" } };
    expect(await actuator.apply(deny)).toMatchObject(refused);
    expect(await actuator.undoFor(deny)).toMatchObject(refused);
  });

  it("believes only what is read afterwards", async () => {
    const { actuator } = filterWith({ setDenied: () => ok(undefined) });
    expect(await actuator.apply(deny)).toMatchObject({ fault: { code: "E_ACTION_FAILED" } });
  });

  it.each([
    [{ ...limit, limit: { perSecond: 0, burst: 1 } }, "E_ACTION_FAILED"],
    [{ ...limit, limit: { perSecond: 1.5, burst: 1 } }, "E_ACTION_FAILED"],
    [{ ...limit, limit: { perSecond: 1, burst: 0 } }, "E_ACTION_FAILED"],
    [{ ...deny, interface: "wlan0" }, "E_NO_SUCH_SUBJECT"],
    [{ kind: "interface-up", interface: "wlan0" }, "E_NO_CAPABILITY"],
  ] as const)("refuses %j", async (action, code) => {
    const { actuator, sets } = filterWith();
    expect(await actuator.apply(action as Action)).toMatchObject({ fault: { code } });
    expect(sets).toEqual([]);
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ok } from "../../../../../src/base/index.ts";
import { restoreOf, type SettingAction } from "../../../../../src/mape-k/action.ts";
import { MtuActuator, type RunCommand } from "../../../../../src/mape-k/io/index.ts";
import { realClock } from "../../../../support/real-clock.ts";

let sysRoot: string;
let file: string;
const never = new AbortController().signal;
const mtu = (mtuBytes: number, name = "mesh0"): SettingAction => ({
  kind: "interface-mtu",
  interface: name,
  mtuBytes,
});

/** An `ip` that does what it is told. */
const obeys: RunCommand = async (_command, args) => {
  writeFileSync(file, `${args.at(-1)}\n`);
  return ok({ exitCode: 0, stdout: "", stderr: "", truncated: false });
};
const says = (exitCode: number, stderr: string): RunCommand => {
  return async () => ok({ exitCode, stdout: "", stderr, truncated: false });
};
const actuator = (run: RunCommand) =>
  new MtuActuator({ clock: realClock, run }, { sysRoot, timeoutMs: 10_000 });

beforeEach(() => {
  sysRoot = mkdtempSync(path.join(tmpdir(), "meshmend-mtu-"));
  mkdirSync(path.join(sysRoot, "class/net/mesh0"), { recursive: true });
  file = path.join(sysRoot, "class/net/mesh0/mtu");
  writeFileSync(file, "1500\n");
});
afterEach(() => rmSync(sysRoot, { recursive: true }));

describe("an MTU", () => {
  it("is set, and restored to what was read before", async () => {
    const undo = await actuator(obeys).undoFor(mtu(1_400));
    expect(undo).toEqual(ok(restoreOf(mtu(1_400), mtu(1_500))));
    expect(await actuator(obeys).apply(mtu(1_400), never)).toEqual(ok(undefined));
    expect(undo.ok && (await actuator(obeys).apply(undo.value, never))).toEqual(ok(undefined));
    expect(await actuator(obeys).undoFor(mtu(9))).toMatchObject({ value: { to: mtu(1_500) } });
  });

  it("that is there already is not set", async () => {
    expect(await actuator(says(1, "never called")).apply(mtu(1_500), never)).toEqual(ok(undefined));
  });

  it("that somebody else has changed since is left alone", async () => {
    writeFileSync(file, "1280\n");
    const restored = await actuator(obeys).apply(restoreOf(mtu(1_400), mtu(1_500)), never);
    expect(restored).toMatchObject({ fault: { code: "E_SUPERSEDED" } });
  });

  it.each([
    ["is not believed when sysfs says otherwise", says(0, ""), "E_ACTION_FAILED"],
    [
      "without the capability",
      says(2, "RTNETLINK answers: Operation not permitted"),
      "E_NOT_PERMITTED",
    ],
    [
      "outside of what the driver takes",
      says(2, "Error: mtu less than device minimum."),
      "E_ACTION_FAILED",
    ],
  ])("%s", async (_, run, code) => {
    expect(await actuator(run).apply(mtu(1_400), never)).toMatchObject({ fault: { code } });
  });

  it.each(["nosuch0", "../../etc", "-x"])(
    "of %j is refused: there is no such interface",
    async (name) => {
      const outcome = await actuator(obeys).apply(mtu(1_400, name), never);
      expect(outcome).toMatchObject({ fault: { code: "E_NO_SUCH_SUBJECT" } });
    },
  );
});

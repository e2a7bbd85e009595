import { describe, expect, it } from "vitest";
import { applySetting, type Setting } from "../../../../src/mesh/batman/index.ts";
import { MemoryBatman, meshTables } from "./support.ts";

const never = new AbortController().signal;
const override = (throughputKbps: number): Setting => ({
  kind: "throughput-override",
  interface: "wlan0",
  throughputKbps,
});

describe("a setting", () => {
  it("answers what was there before, and is not set when it is there already", async () => {
    const batman = new MemoryBatman(meshTables());
    const first = await applySetting(batman, "bat0", override(5_000), never);
    const second = await applySetting(batman, "bat0", override(5_000), never);
    expect(first).toEqual({ ok: true, value: { before: override(0), changed: true } });
    expect(second).toEqual({ ok: true, value: { before: override(5_000), changed: false } });
    expect(batman.sets).toEqual([override(5_000)]);
  });

  it("is not believed until it is read back", async () => {
    const batman = new MemoryBatman(meshTables());
    batman.deaf = true;
    const applied = await applySetting(batman, "bat0", override(5_000), never);
    expect(applied).toMatchObject({ ok: false, fault: { code: "E_SETTING_NOT_TAKEN" } });
  });

  it("is not taken back when somebody else has changed it since", async () => {
    const batman = new MemoryBatman(meshTables());
    await applySetting(batman, "bat0", override(700), never);
    const undone = await applySetting(batman, "bat0", override(0), never, override(100));
    expect(undone).toMatchObject({ ok: false, fault: { code: "E_SETTING_SUPERSEDED" } });
    expect(batman.sets).toEqual([override(700)]);
  });

  it("on an interface that is not in the mesh is refused", async () => {
    const batman = new MemoryBatman(meshTables({ hardInterfaces: [] }));
    const applied = await applySetting(batman, "bat0", override(700), never);
    expect(applied).toMatchObject({ ok: false, fault: { code: "E_NO_SUCH_INTERFACE" } });
  });

  it.each([
    [override(150), "multiple of 100"],
    [override(-100), "multiple of 100"],
    [override(Number.NaN), "multiple of 100"],
    [{ kind: "mesh-hop-penalty", hopPenalty: 256 }, "0 to 255"],
    [{ kind: "elp-interval", interface: "wlan0", intervalMs: 39 }, "from 40"],
    [{ kind: "gateway-mode", gateway: { mode: "client", selectionClass: 0 } }, "at least 1"],
    [{ kind: "gateway-mode", gateway: { mode: "server", downKbps: 50, upKbps: 0 } }, "download"],
  ] as const)("that batman-adv would bend is refused: %j", async (setting, why) => {
    const batman = new MemoryBatman(meshTables());
    const applied = await applySetting(batman, "bat0", setting, never);
    expect(applied).toMatchObject({ ok: false, fault: { code: "E_INVALID_SETTING" } });
    expect(applied.ok ? "" : applied.fault.message).toContain(why);
    expect(batman.sets).toEqual([]);
  });
});

import { describe, expect, it } from "vitest";
import { failed, fault, ok } from "../../../src/base/index.ts";
import { BatmanWatch } from "../../../src/node/batman-watch.ts";
import {
  hardInterface,
  MemoryBatman,
  mac,
  meshTables,
  neighbour,
  path,
} from "../mesh/batman/support.ts";
import { ManualClock } from "../support/manual-clock.ts";

const { signal } = new AbortController();

function watchOn(batman: MemoryBatman, meshInterface = "auto", leastAgeMs = 0) {
  const clock = new ManualClock();
  const loaded = { is: true };
  const watch = new BatmanWatch(
    { clock, port: batman, isLoaded: () => loaded.is },
    { meshInterface, leastAgeMs },
  );
  return { watch, clock, loaded };
}

const triangle = meshTables({
  hardInterfaces: [hardInterface({ name: "a" }), hardInterface({ name: "b" })],
  neighbours: [neighbour(2, "a"), neighbour(3, "b", { lastSeenMs: 400 })],
  paths: [path(2, 2, "a", 900, true), path(2, 3, "b", 300), path(3, 3, "b", 800, true)],
});

describe("the watch over batman-adv", () => {
  it("reduces the tables to what the loop decides by", async () => {
    const { watch } = watchOn(new MemoryBatman(triangle));
    const seen = await watch.sample(signal);
    expect(seen).toMatchObject({
      ok: true,
      value: {
        name: "bat0",
        algorithm: "BATMAN_V",
        originators: 2,
        gatewayMode: "off",
        links: [
          { neighbour: mac(2), interface: "a", routes: 1, routesWithoutAlternative: 0 },
          { neighbour: mac(3), interface: "b", routes: 1, routesWithoutAlternative: 1 },
        ],
      },
    });
    expect(watch.health()).toMatchObject({ state: "ok" });
    expect(watch.meshInterface).toBe("bat0");
  });

  it("counts the changes of next hops", async () => {
    const batman = new MemoryBatman(triangle);
    const { watch } = watchOn(batman);
    await watch.sample(signal);
    batman.tables = {
      ...triangle,
      paths: [path(2, 2, "a", 100), path(2, 3, "b", 300, true), path(3, 3, "b", 800, true)],
    };
    expect(await watch.sample(signal)).toMatchObject({ value: { pathSwitches: 1 } });
  });

  it("is content without batman-adv, and looks for it again", async () => {
    const { watch, loaded, clock } = watchOn(new MemoryBatman(triangle));
    loaded.is = false;
    const nothing = { ok: false, fault: { code: "E_NOT_SUPPORTED" } };
    expect(await watch.sample(signal)).toMatchObject(nothing);
    expect(watch.health().state).toBe("ok");
    loaded.is = true;
    await clock.advance(1_000);
    expect(await watch.sample(signal)).toMatchObject(nothing);
    await clock.advance(5_000);
    expect(await watch.sample(signal)).toMatchObject({ ok: true });
  });

  it("does not guess between two mesh interfaces", async () => {
    const batman = new MemoryBatman(triangle);
    batman.meshInterfaces = async () => ok(["bat0", "bat1"]);
    const { watch } = watchOn(batman);
    const seen = await watch.sample(signal);
    expect(seen).toMatchObject({ ok: false, fault: { code: "E_MESH_AMBIGUOUS" } });
    expect(watch.health()).toMatchObject({ state: "degraded" });
  });

  it("uses young tables again, and says how old they are by now", async () => {
    const batman = new MemoryBatman(triangle);
    const { watch, clock } = watchOn(batman, "bat0", 900);
    await watch.sample(signal);
    batman.tables = meshTables();
    await clock.advance(500);
    const links = [{ lastSeenMs: 600 }, { lastSeenMs: 900 }];
    expect(await watch.sample(signal)).toMatchObject({ value: { links } });
    await clock.advance(500);
    expect(await watch.sample(signal)).toMatchObject({ value: { links: [] } });
  });

  it("forgets a mesh that is gone", async () => {
    const batman = new MemoryBatman(triangle);
    const { watch, clock } = watchOn(batman);
    await watch.sample(signal);
    expect(watch.seen).not.toBeNull();
    batman.readTables = async () => failed(fault("E_NO_SUCH_MESH", "no bat0"));
    await clock.advance(1_000);
    expect(await watch.sample(signal)).toMatchObject({ fault: { code: "E_NO_SUCH_MESH" } });
    expect(watch.seen).toBeNull();
    expect(watch.meshInterface).toBeNull();
    expect(watch.health().state).toBe("degraded");
  });
});

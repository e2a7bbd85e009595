/**
 * What every way of reading the interfaces answers, on a real kernel. Each claim has a network
 * namespace of its own, with `mesh0` and `far0` joined by a wire.
 */

import { afterEach, beforeEach, describe, expect, it, type TestContext } from "vitest";
import type { Result } from "../../src/base/index.ts";
import type { WatchedInterfaces } from "../../src/mape-k/io/index.ts";
import type { InterfaceReading } from "../../src/mape-k/observation.ts";
import {
  type NetworkNamespace,
  namespaceProblem,
  openNetworkNamespace,
} from "../integration/support/network-namespace.ts";

export interface InterfacesSource {
  sample(): Promise<Result<readonly InterfaceReading[]>>;
  close(): Promise<void>;
}

export type OpenInterfacesSource = (
  namespace: NetworkNamespace,
  watched: WatchedInterfaces,
) => InterfacesSource;

const problem = namespaceProblem();
const settled = { timeout: 15_000, interval: 50 };

/** `missing`: why this source cannot be had here, or null. */
export function interfacesSensorComplies(
  name: string,
  missing: string | null,
  open: OpenInterfacesSource,
): void {
  describe(name, () => {
    let namespace: NetworkNamespace;
    let opened: InterfacesSource[] = [];
    let source: InterfacesSource;

    beforeEach(async (context: TestContext) => {
      const why = problem ?? missing;
      if (why !== null) return context.skip(why);
      namespace = await openNetworkNamespace();
      namespace.addVethPair("mesh0", "far0");
      ip("link set mesh0 up");
      ip("link set far0 up");
      source = newSource();
      await expect.poll(async () => (await read("mesh0"))?.operState, settled).toBe("up");
    });
    afterEach(async () => {
      for (const one of opened) await one.close();
      if (opened.length > 0) await namespace.close();
      opened = [];
    });

    function newSource(changes: Partial<WatchedInterfaces> = {}): InterfacesSource {
      const watched = { include: ["*"], exclude: [], maxInterfaces: 4096, ...changes };
      const one = open(namespace, watched);
      opened.push(one);
      return one;
    }
    function ip(words: string): void {
      namespace.exec("ip", ...words.split(" "));
    }
    async function readings(): Promise<readonly InterfaceReading[]> {
      const sample = await source.sample();
      if (!sample.ok) throw new Error(sample.fault.message);
      return sample.value;
    }
    async function read(of: string): Promise<InterfaceReading | undefined> {
      return (await readings()).find((reading) => reading.name === of);
    }
    async function names(): Promise<string[]> {
      return (await readings()).map((reading) => reading.name).toSorted();
    }
    /** A sample, so that a later change happens between two beats; the name is in it. */
    async function seen(of: string): Promise<InterfaceReading> {
      const reading = await read(of);
      if (reading === undefined) throw new Error(`no ${of}`);
      return reading;
    }

    it("sees both ends of a wire and never the loopback", async () => {
      expect(await names()).toEqual(["far0", "mesh0"]);
      expect(await read("mesh0")).toMatchObject({ adminUp: true, operState: "up", mtuBytes: 1500 });
    });

    it("sees which interface stands on others", async () => {
      ip("link add name br0 type bridge");
      ip("link set far0 master br0");
      expect(await read("br0")).toMatchObject({ stacked: true });
      ip("link add name vx0 type vxlan id 7 dev mesh0 dstport 4789");
      expect(await read("vx0")).toMatchObject({ stacked: true });
      // A wire's far end is not below it.
      expect(await read("mesh0")).toMatchObject({ stacked: false });
      ip("link set far0 nomaster");
      // What it stands on is read again within sixteen beats.
      for (let beat = 0; beat < 16; beat++) await readings();
      expect(await read("br0")).toMatchObject({ stacked: false });
    });

    it("counts traffic", async () => {
      const before = await seen("mesh0");
      ip("address add 192.0.2.1/24 dev mesh0");
      ip("neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev mesh0");
      namespace.exec("sh", "-c", "ping -n -c 3 -i 0.2 -W 1 192.0.2.2 || true");
      await expect
        .poll(async () => (await seen("mesh0")).txPackets - before.txPackets, settled)
        .toBeGreaterThan(2);
      expect((await seen("far0")).rxBytes).toBeGreaterThan(before.rxBytes);
    });

    it("sees the far end go down as a lost carrier, and counts its changes", async () => {
      const before = await seen("mesh0");
      ip("link set far0 down");
      await expect
        .poll(async () => (await read("mesh0"))?.operState, settled)
        .toBe("lowerlayerdown");
      expect((await read("mesh0"))?.adminUp).toBe(true);
      expect((await seen("mesh0")).carrierChanges).toBeGreaterThan(before.carrierChanges);
      ip("link set far0 up");
      await expect.poll(async () => (await read("mesh0"))?.operState, settled).toBe("up");
      expect((await seen("mesh0")).carrierChanges).toBeGreaterThanOrEqual(
        before.carrierChanges + 2,
      );
    });

    it("sees an interface that was set down", async () => {
      ip("link set mesh0 down");
      await expect.poll(async () => (await read("mesh0"))?.operState, settled).toBe("down");
      expect((await read("mesh0"))?.adminUp).toBe(false);
    });

    it("follows a rename", async () => {
      const before = await seen("mesh0");
      ip("link set mesh0 down");
      ip("link set mesh0 name mesh9");
      expect(await names()).toEqual(["far0", "mesh9"]);
      expect((await seen("mesh9")).index).toBe(before.index);
    });

    it("notices a device that takes the name of a renamed one in the same beat", async () => {
      const before = await seen("mesh0");
      ip("link set mesh0 down");
      ip("link set mesh0 name old0");
      namespace.addVethPair("mesh0", "far1");
      ip("link set mesh0 mtu 1300");
      const now = new Map((await readings()).map((reading) => [reading.name, reading]));
      expect(now.get("old0")).toMatchObject({ index: before.index, mtuBytes: 1500 });
      expect(now.get("mesh0")).toMatchObject({ mtuBytes: 1300 });
      expect(now.get("mesh0")?.index).not.toBe(before.index);
    });

    it("notices within sixteen beats that two devices have swapped names", async () => {
      const mesh = (await seen("mesh0")).index;
      const far = (await seen("far0")).index;
      for (const words of [
        "mesh0 down",
        "far0 down",
        "mesh0 name x",
        "far0 name mesh0",
        "x name far0",
      ])
        ip(`link set ${words}`);
      for (let beat = 0; beat < 16; beat++) await readings();
      expect([(await seen("mesh0")).index, (await seen("far0")).index]).toEqual([far, mesh]);
    });

    it("notices a changed MTU within sixteen beats", async () => {
      ip("link set mesh0 mtu 1400");
      for (let beat = 0; beat < 16; beat++) await readings();
      expect((await seen("mesh0")).mtuBytes).toBe(1400);
    });

    it("drops a deleted interface", async () => {
      await seen("mesh0");
      ip("link delete mesh0");
      expect(await names()).toEqual([]);
    });

    it("notices an interface re-created under its name between two beats", async () => {
      const before = await seen("mesh0");
      ip("link delete mesh0");
      namespace.addVethPair("mesh0", "far0");
      const after = await seen("mesh0");
      expect(after.index).not.toBe(before.index);
      expect(after).toMatchObject({ adminUp: false, operState: "down" });
    });

    it("watches what is included and not excluded", async () => {
      const narrow = newSource({ include: ["m*", "f*"], exclude: ["far*"] });
      const sample = await narrow.sample();
      expect(sample.ok && sample.value.map((reading) => reading.name)).toEqual(["mesh0"]);
    });

    it("says so when there are more interfaces than it may watch", async () => {
      const narrow = newSource({ maxInterfaces: 1 });
      const fault = { code: "E_TOO_MANY_INTERFACES" };
      expect(await narrow.sample()).toMatchObject({ ok: false, fault });
    });

    it("sees a hundred interfaces that come in one moment, and their going", async () => {
      await seen("mesh0");
      const add = Array.from({ length: 50 }, (_, i) => `ip link add a${i} type veth peer b${i}`);
      namespace.exec("sh", "-c", add.join(" && "));
      expect(await names()).toHaveLength(102);
      const remove = Array.from({ length: 50 }, (_, i) => `ip link delete a${i}`);
      namespace.exec("sh", "-c", remove.join(" && "));
      expect(await names()).toEqual(["far0", "mesh0"]);
    });
  });
}

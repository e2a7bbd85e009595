/** The interfaces sensor against a real kernel, in a network namespace of its own. */

import { readdirSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, type TestContext } from "vitest";
import { InterfacesSensor } from "../../src/mape-k/io/index.ts";
import type { InterfaceReading } from "../../src/mape-k/observation.ts";
import {
  type NetworkNamespace,
  namespaceProblem,
  openNetworkNamespace,
} from "./support/network-namespace.ts";

const problem = namespaceProblem();
const settled = { timeout: 15_000, interval: 50 };

describe("the interfaces sensor on this kernel", () => {
  let namespace: NetworkNamespace | null = null;
  let sensor: InterfacesSensor;

  beforeEach(async (ctx: TestContext) => {
    if (problem !== null) return ctx.skip(problem);
    namespace = await openNetworkNamespace();
    sensor = newSensor();
    namespace.addVethPair("mesh0", "far0");
    ip("link set mesh0 up");
    ip("link set far0 up");
    await expect.poll(() => read("mesh0")?.operState, settled).toBe("up");
  });
  afterEach(async () => {
    sensor?.close();
    await namespace?.close();
    namespace = null;
  });

  function newSensor(options: { include?: string[]; maxInterfaces?: number } = {}) {
    if (namespace === null) throw new Error("no namespace");
    const defaults = { include: ["*"], exclude: [], maxInterfaces: 4096 };
    return new InterfacesSensor({ ...namespace.roots, ...defaults, ...options });
  }
  function ip(words: string): void {
    namespace?.exec("ip", ...words.split(" "));
  }
  function readings(): readonly InterfaceReading[] {
    const sample = sensor.sample();
    if (!sample.ok) throw new Error(sample.fault.message);
    return sample.value;
  }
  function read(name: string): InterfaceReading | undefined {
    return readings().find((reading) => reading.name === name);
  }
  const names = () =>
    readings()
      .map((reading) => reading.name)
      .toSorted();
  const descriptors = () => readdirSync("/proc/self/fd").length;
  /** A sample, so that a later change happens between two beats; the name is in it. */
  function seen(name: string): InterfaceReading {
    const reading = read(name);
    if (reading === undefined) throw new Error(`no ${name}`);
    return reading;
  }

  it("sees both ends of a wire and never the loopback", () => {
    expect(names()).toEqual(["far0", "mesh0"]);
    expect(read("mesh0")).toMatchObject({ adminUp: true, operState: "up", mtuBytes: 1500 });
  });

  it("sees which interface stands on others", () => {
    ip("link add name br0 type bridge");
    ip("link set far0 master br0");
    expect(read("br0")).toMatchObject({ stacked: true });
    expect(read("mesh0")).toMatchObject({ stacked: false });
  });

  it("counts traffic", async () => {
    const before = seen("mesh0");
    ip("address add 192.0.2.1/24 dev mesh0");
    ip("neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev mesh0");
    namespace?.exec("sh", "-c", "ping -n -c 3 -i 0.2 -W 1 192.0.2.2 || true");
    await expect.poll(() => seen("mesh0").txPackets - before.txPackets, settled).toBeGreaterThan(2);
    expect(seen("far0").rxBytes).toBeGreaterThan(before.rxBytes);
  });

  it("sees the far end go down as a lost carrier, and counts its changes", async () => {
    const before = seen("mesh0");
    ip("link set far0 down");
    await expect.poll(() => read("mesh0")?.operState, settled).toBe("lowerlayerdown");
    expect(read("mesh0")?.adminUp).toBe(true);
    expect(seen("mesh0").carrierChanges).toBeGreaterThan(before.carrierChanges);
    ip("link set far0 up");
    await expect.poll(() => read("mesh0")?.operState, settled).toBe("up");
    expect(seen("mesh0").carrierChanges).toBeGreaterThanOrEqual(before.carrierChanges + 2);
  });

  it("sees an interface that was set down", async () => {
    ip("link set mesh0 down");
    await expect.poll(() => read("mesh0")?.operState, settled).toBe("down");
    expect(read("mesh0")?.adminUp).toBe(false);
  });

  it("follows a rename", () => {
    const before = seen("mesh0");
    ip("link set mesh0 down");
    ip("link set mesh0 name mesh9");
    expect(names()).toEqual(["far0", "mesh9"]);
    expect(seen("mesh9").index).toBe(before.index);
  });

  it("notices a device that takes the name of a renamed one in the same beat", () => {
    const before = seen("mesh0");
    ip("link set mesh0 down");
    ip("link set mesh0 name old0");
    namespace?.addVethPair("mesh0", "far1");
    ip("link set mesh0 mtu 1300");
    const now = new Map(readings().map((reading) => [reading.name, reading]));
    expect(now.get("old0")).toMatchObject({ index: before.index, mtuBytes: 1500 });
    expect(now.get("mesh0")).toMatchObject({ mtuBytes: 1300 });
    expect(now.get("mesh0")?.index).not.toBe(before.index);
  });

  it("notices within sixteen beats that two devices have swapped names", () => {
    const mesh = seen("mesh0").index;
    const far = seen("far0").index;
    for (const words of [
      "mesh0 down",
      "far0 down",
      "mesh0 name x",
      "far0 name mesh0",
      "x name far0",
    ])
      ip(`link set ${words}`);
    for (let beat = 0; beat < 16; beat++) readings();
    expect([seen("mesh0").index, seen("far0").index]).toEqual([far, mesh]);
  });

  it("notices a changed MTU within sixteen beats", () => {
    ip("link set mesh0 mtu 1400");
    for (let beat = 0; beat < 16; beat++) readings();
    expect(seen("mesh0").mtuBytes).toBe(1400);
  });

  it("drops a deleted interface and gives its descriptors back", () => {
    readings();
    const before = descriptors();
    ip("link delete mesh0");
    expect(names()).toEqual([]);
    expect(descriptors()).toBe(before - 6);
  });

  it("notices an interface re-created under its name between two beats", () => {
    const before = seen("mesh0");
    const open = descriptors();
    ip("link delete mesh0");
    namespace?.addVethPair("mesh0", "far0");
    const after = seen("mesh0");
    expect(after.index).not.toBe(before.index);
    expect(after).toMatchObject({ adminUp: false, operState: "down" });
    expect(descriptors()).toBe(open);
  });

  it("says so when there are more interfaces than it may watch", () => {
    const narrow = newSensor({ maxInterfaces: 1 });
    expect(narrow.sample()).toMatchObject({ ok: false, fault: { code: "E_TOO_MANY_INTERFACES" } });
    narrow.close();
  });

  it("reads the namespace it runs in, with the kernel's file systems where they are", () => {
    const script = `
      const { InterfacesSensor, kernelRoots } = await import(process.argv[1]);
      const all = { include: ["*"], exclude: ["far*"], maxInterfaces: 9 };
      console.log(JSON.stringify(new InterfacesSensor({ ...kernelRoots, ...all }).sample()));`;
    const door = new URL("../../src/mape-k/io/index.ts", import.meta.url).pathname;
    const printed = namespace?.execNode("--input-type=module", "--eval", script, door);
    // Not its counters: the kernel sends neighbour discovery when it likes.
    const { name, index, operState, mtuBytes } = seen("mesh0");
    const value = [{ name, index, operState, mtuBytes }];
    expect(JSON.parse(printed ?? "")).toMatchObject({ ok: true, value });
  });

  it("gives everything back when closed, and can be sampled again", () => {
    const open = descriptors();
    sensor.close();
    expect(descriptors()).toBe(open - 7);
    expect(names()).toEqual(["far0", "mesh0"]);
  });
});

/**
 * The interfaces sensor that reads files, in a network namespace of its own: its descriptors. What
 * it sees is claimed in test/compliance/interfaces-sensor.ts.
 */

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

import process from "node:process";
import { describe, expect, it } from "vitest";
import { loadNative } from "../../src/ebpf/io/load-native.ts";
import { commandRunner } from "../../src/mape-k/io/index.ts";
import type { BatmanPort } from "../../src/mesh/batman/index.ts";
import { BatctlBatmanPort, NetlinkBatmanPort } from "../../src/mesh/batman/io/index.ts";
import { realClock } from "../support/real-clock.ts";
import {
  type RecordedName,
  recordedBatctlPort,
  recordedNetlinkPort,
} from "../support/recorded-batman.ts";
import { batmanPortClaims } from "./batman-port.ts";

const recordings: readonly RecordedName[] = ["triangle-iv", "triangle-v"];
const ports: Readonly<Record<string, (name: RecordedName) => BatmanPort>> = {
  NetlinkBatmanPort: recordedNetlinkPort,
  BatctlBatmanPort: recordedBatctlPort,
};

describe.each(Object.entries(ports))("%s", (_, open) => {
  describe.each(recordings)("over the recording %s", (name) => {
    // A recording cannot be changed: those claims are for a real bat0.
    for (const { claim, changes, check } of batmanPortClaims) {
      if (changes) continue;
      it(claim, () => check({ port: open(name), mesh: "bat0", hardInterface: "v12" }));
    }
  });
});

describe.each(recordings)("both ports over the recording %s", (name) => {
  it("tell the same, but for what changed between the two readings", async () => {
    const { signal } = new AbortController();
    const [netlink, batctl] = await Promise.all([
      recordedNetlinkPort(name).readTables("bat0", signal),
      recordedBatctlPort(name).readTables("bat0", signal),
    ]);
    if (!netlink.ok || !batctl.ok) throw new Error("expected tables");
    expect(netlink.value.settings).toEqual(batctl.value.settings);
    expect(netlink.value.hardInterfaces).toEqual(batctl.value.hardInterfaces);
    const shape = ({ value }: typeof netlink) => ({
      neighbours: value.neighbours.map(({ address, interface: on }) => `${address} ${on}`),
      paths: value.paths
        .map(({ originator, neighbour, best }) => `${originator} ${neighbour} ${best}`)
        .toSorted(),
      gateways: value.gateways.map(({ quality, ...rest }) => rest),
    });
    expect(shape(netlink)).toEqual(shape(batctl));
  });
});

/** Only a mesh made for tests is changed: the lab says so. */
const isLab = process.env["MESHMEND_LAB_INSIDE"] !== undefined;
const settleMs = 20_000;

function realPorts(): readonly (readonly [string, BatmanPort | string])[] {
  const native = loadNative();
  return [
    ["BatctlBatmanPort", new BatctlBatmanPort({ run: commandRunner(realClock, 4 * 1_048_576) })],
    [
      "NetlinkBatmanPort",
      native.kind === "available"
        ? new NetlinkBatmanPort({ netlink: native.native })
        : `needs the native addon: ${native.why}`,
    ],
  ];
}

/** Waits until the mesh has found together; the interface with the first neighbour. */
async function settledInterface(port: BatmanPort): Promise<string> {
  const { signal } = new AbortController();
  const startedMs = realClock.monotonicMs();
  for (;;) {
    const tables = await port.readTables("bat0", signal);
    if (!tables.ok) throw new Error(tables.fault.message);
    const [first] = tables.value.neighbours;
    const translations = await port.readTranslations("bat0", signal);
    const clients = translations.ok ? translations.value.global.length : 0;
    if (first !== undefined && tables.value.paths.length > 0 && clients > 0) return first.interface;
    if (realClock.monotonicMs() - startedMs > settleMs) throw new Error("bat0 has no neighbours");
    await realClock.sleep(500);
  }
}

describe.each(realPorts())("%s on a real bat0", (_, port) => {
  for (const { claim, check } of batmanPortClaims) {
    it(claim, { timeout: 60_000 }, async (context) => {
      if (!isLab) return context.skip("needs the lab: a mesh that may be changed");
      if (typeof port === "string") return context.skip(port);
      await check({ port, mesh: "bat0", hardInterface: await settledInterface(port) });
    });
  }
});

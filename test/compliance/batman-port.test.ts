import { describe, expect, it } from "vitest";
import type { BatmanPort } from "../../src/mesh/batman/index.ts";
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
    // A recording cannot be changed: those claims run in the lab, on a real bat0.
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

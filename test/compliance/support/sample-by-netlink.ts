/** `node THIS OPTIONS`: one sample of the rtnetlink sensor per line of input, as JSON. */

import process from "node:process";
import { createInterface } from "node:readline/promises";
import { loadNative } from "../../../src/ebpf/io/load-native.ts";
import { NetlinkInterfacesSensor } from "../../../src/mape-k/io/index.ts";

const probe = loadNative();
if (probe.kind !== "available") throw new Error(probe.why);
const watched = JSON.parse(process.argv[2] ?? "");
const sensor = new NetlinkInterfacesSensor({ netlink: probe.native }, watched);
const { signal } = new AbortController();
for await (const _ of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await sensor.sample(signal)));
}
sensor.close();

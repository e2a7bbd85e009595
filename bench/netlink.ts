/**
 * The originator table through the addon's netlink, beside `batctl meshif bat0 oj`, which forks: wall
 * time, CPU (children included) and JavaScript heap per reading, at 1, 50 and 1,000 originators of a
 * real BATMAN_V mesh interface that hears ELPs and OGM2s of invented nodes. Both are decoded as the
 * daemon decodes them. Claim: 20 times cheaper than forking. Needs root and batman-adv; the lab's
 * virtual machine has it:
 *
 *     node_modules/.bin/node bench/in-lab.ts bench/netlink.ts
 */

import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { loadNative } from "../src/ebpf/io/load-native.ts";
import type { Native } from "../src/ebpf/io/native-contract.ts";
import { commands } from "../src/mesh/batman/attributes.ts";
import { jsonRows } from "../src/mesh/batman/json-attributes.ts";
import { MacAddressBook } from "../src/mesh/batman/mac-address-book.ts";
import { encodeAttributes, NetlinkRows } from "../src/mesh/batman/netlink-attributes.ts";
import { readPath } from "../src/mesh/batman/table-reader.ts";
import type { Path } from "../src/mesh/batman/tables.ts";
import { elp, frame, ogm2 } from "../test/native/frames.ts";
import { ip, vethLink } from "../test/native/veth-link.ts";
import { machine } from "./support/statistics.ts";

const neighbour = "02:00:00:00:00:01";
const mesh = `mmb${process.pid % 10_000}`;
/** What one frame of ours carries: batman-adv aggregates up to 512 bytes. */
const perFrame = 20;
const ticksPerSecond = 100;
const addresses = new MacAddressBook();

/** Heap is read off as it grows, so nothing may be collected meanwhile: a large nursery. */
const flags = ["--expose-gc", "--max-semi-space-size=256", "--min-semi-space-size=256"];
if (globalThis.gc === undefined) {
  const self = [...flags, "--disable-warning=ExperimentalWarning", import.meta.filename];
  process.exitCode = spawnSync(process.execPath, self, { stdio: "inherit" }).status ?? 1;
} else {
  await main();
}

async function main(): Promise<void> {
  const probe = loadNative();
  if (probe.kind !== "available") throw new Error(probe.why);
  if (spawnSync("ip", ["link", "add", mesh, "type", "batadv"]).status !== 0) {
    throw new Error("this kernel has no batman-adv: run it in the lab's virtual machine");
  }
  const link = vethLink();
  try {
    ip("link", "del", mesh);
    execFileSync("batctl", ["routing_algo", "BATMAN_V"]);
    ip("link", "add", mesh, "type", "batadv");
    execFileSync("batctl", ["meshif", mesh, "interface", "add", link.name]);
    ip("link", "set", mesh, "up");
    console.log(machine());
    console.log("");
    console.log(
      "| originators | netlink ms | batctl ms | wall | netlink CPU ms | batctl CPU ms | CPU | netlink heap KiB | batctl heap KiB |",
    );
    console.log("|---|---|---|---|---|---|---|---|---|");
    for (const count of [1, 50, 1000]) await compare(probe.native, link, count);
  } finally {
    spawnSync("ip", ["link", "del", mesh]);
    link.remove();
  }
}

async function compare(
  native: Native,
  link: ReturnType<typeof vethLink>,
  count: number,
): Promise<void> {
  const index = Number(JSON.parse(ip("-j", "link", "show", mesh))[0].ifindex);
  for (let number = 1; number <= 4; number++) {
    link.inject([frame(neighbour, elp(neighbour, number)), ...announcements(count, number)], 200);
    await delay(300);
  }
  const read = await overNetlink(native, index);
  if (read.length < count) throw new Error(`only ${read.length} of ${count} originators are known`);
  const ours = await measured(200, () => overNetlink(native, index));
  const theirs = await measured(20, async () => overBatctl());
  const ratio = (one: number, other: number) => `${(one / other).toFixed(1)}x`;
  const cells = [
    read.length,
    ours.wallMs.toFixed(3),
    theirs.wallMs.toFixed(3),
    ratio(theirs.wallMs, ours.wallMs),
    ours.cpuMs.toFixed(3),
    theirs.cpuMs.toFixed(3),
    ratio(theirs.cpuMs, ours.cpuMs),
    ours.heapKibibytes.toFixed(0),
    theirs.heapKibibytes.toFixed(0),
  ];
  console.log(`| ${cells.join(" | ")} |`);
}

function announcements(count: number, number: number): Buffer[] {
  const messages = Array.from({ length: count }, (_, i) => {
    const tail = i.toString(16).padStart(4, "0");
    return ogm2(`02:00:00:01:${tail.slice(0, 2)}:${tail.slice(2)}`, number, { throughput: 1000 });
  });
  const frames: Buffer[] = [];
  for (let i = 0; i < count; i += perFrame) {
    frames.push(frame(neighbour, Buffer.concat(messages.slice(i, i + perFrame))));
  }
  return frames;
}

async function measured(rounds: number, work: () => Promise<unknown>) {
  // Compiled before it is measured, as in a daemon that runs for months.
  for (let i = 0; i < rounds; i++) await work();
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const [cpuBefore, before] = [cpuTicks(), process.hrtime.bigint()];
  for (let i = 0; i < rounds; i++) await work();
  const wallMs = Number(process.hrtime.bigint() - before) / 1e6 / rounds;
  return {
    wallMs,
    cpuMs: ((cpuTicks() - cpuBefore) * 1000) / ticksPerSecond / rounds,
    heapKibibytes: (process.memoryUsage().heapUsed - heapBefore) / 1024 / rounds,
  };
}

/** Of this process and its ended children (proc(5): utime, stime, cutime, cstime). */
function cpuTicks(): number {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ") ?? [];
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
}

function overBatctl(): Path[] {
  const text = execFileSync("batctl", ["meshif", mesh, "originators_json"], { encoding: "utf8" });
  const rows = jsonRows(text);
  if (!rows.ok) throw new Error(rows.fault.message);
  return rows.value.map((row) => readPath(row) ?? odd());
}

async function overNetlink(native: Native, meshIndex: number): Promise<Path[]> {
  const attributes = encodeAttributes([{ name: "mesh_ifindex", uint32: meshIndex }]);
  const answer = await native.batadvRequest(commands.getOriginators, true, attributes);
  if (!answer.ok) throw new Error(`${answer.error.operation}: ${answer.error.name}`);
  const rows = new NetlinkRows(answer.value, addresses);
  const found: Path[] = [];
  for (let more = rows.next(); more.ok && more.value; more = rows.next()) {
    found.push(readPath(rows) ?? odd());
  }
  return found;
}

function odd(): never {
  throw new Error("a row that is no path");
}

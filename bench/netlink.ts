/**
 * The originator table through the addon's netlink, beside `batctl meshif bat0 oj`, which forks: wall
 * time and CPU (children included) per reading, at 1, 50 and 1,000 originators of a real BATMAN_V mesh
 * interface that hears ELPs and OGM2s of invented nodes. Claim: 20 times cheaper than forking. Needs
 * root and batman-adv (the lab's virtual machine has it):
 *
 *     node_modules/.bin/node bench/netlink.ts
 */

import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { macAt, viewOf } from "../src/ebpf/decode.ts";
import { loadNative } from "../src/ebpf/io/load-native.ts";
import type { Native } from "../src/ebpf/io/native-contract.ts";
import { littleEndian } from "../src/ebpf/mesh-abi.ts";
import { elp, frame, ogm2 } from "../test/native/frames.ts";
import { ip, vethLink } from "../test/native/veth-link.ts";
import { machine } from "./support/statistics.ts";

const neighbour = "02:00:00:00:00:01";
const mesh = `mmb${process.pid % 10_000}`;
/** linux/batman_adv.h. */
const attribute = {
  meshIndex: 3,
  originator: 9,
  best: 22,
  lastSeenMs: 23,
  via: 24,
  throughput: 26,
};
const getOriginators = 8;
/** What one frame of ours carries: batman-adv aggregates up to 512 bytes. */
const perFrame = 20;
const ticksPerSecond = 100;

interface Originator {
  readonly address: string;
  readonly via: string;
  readonly best: boolean;
  readonly throughput: number;
  readonly lastSeenMs: number;
}

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
    "| originators | netlink ms | batctl ms | netlink CPU ms | batctl CPU ms | wall | CPU |",
  );
  console.log("|---|---|---|---|---|---|---|");
  for (const count of [1, 50, 1000]) await compare(probe.native, count);
} finally {
  spawnSync("ip", ["link", "del", mesh]);
  link.remove();
}

async function compare(native: Native, count: number): Promise<void> {
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
    ours.cpuMs.toFixed(3),
    theirs.cpuMs.toFixed(3),
    ratio(theirs.wallMs, ours.wallMs),
    ratio(theirs.cpuMs, ours.cpuMs),
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
  const [cpuBefore, before] = [cpuTicks(), process.hrtime.bigint()];
  for (let i = 0; i < rounds; i++) await work();
  const wallMs = Number(process.hrtime.bigint() - before) / 1e6 / rounds;
  return { wallMs, cpuMs: ((cpuTicks() - cpuBefore) * 1000) / ticksPerSecond / rounds };
}

/** Of this process and its ended children (proc(5): utime, stime, cutime, cstime). */
function cpuTicks(): number {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ") ?? [];
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
}

function overBatctl(): Originator[] {
  const text = execFileSync("batctl", ["meshif", mesh, "originators_json"], { encoding: "utf8" });
  return JSON.parse(text).map((entry: Record<string, unknown>) => ({
    address: entry["orig_address"],
    via: entry["neigh_address"],
    best: entry["best"] === true,
    throughput: entry["throughput"],
    lastSeenMs: entry["last_seen_msecs"],
  }));
}

async function overNetlink(native: Native, meshIndex: number): Promise<Originator[]> {
  const request = new DataView(new ArrayBuffer(8));
  request.setUint16(0, 8, littleEndian);
  request.setUint16(2, attribute.meshIndex, littleEndian);
  request.setUint32(4, meshIndex, littleEndian);
  const answer = await native.batadvRequest(getOriginators, true, new Uint8Array(request.buffer));
  if (!answer.ok) throw new Error(`${answer.error.operation}: ${answer.error.name}`);
  const view = viewOf(answer.value);
  const found: Originator[] = [];
  for (let at = 0; at < view.byteLength; ) {
    const length = view.getUint32(at, littleEndian);
    found.push(originatorAt(view, at + 4, at + 4 + length));
    at += 4 + ((length + 3) & ~3);
  }
  return found;
}

function originatorAt(view: DataView, from: number, to: number): Originator {
  let [address, via, best, throughput, lastSeenMs] = ["", "", false, 0, 0];
  for (let at = from; at + 4 <= to; ) {
    const length = view.getUint16(at, littleEndian);
    const type = view.getUint16(at + 2, littleEndian);
    if (type === attribute.originator) address = macAt(view, at + 4);
    else if (type === attribute.via) via = macAt(view, at + 4);
    else if (type === attribute.best) best = true;
    else if (type === attribute.throughput) throughput = view.getUint32(at + 4, littleEndian);
    else if (type === attribute.lastSeenMs) lastSeenMs = view.getUint32(at + 4, littleEndian);
    at += (length + 3) & ~3;
  }
  return { address, via, best, throughput, lastSeenMs };
}

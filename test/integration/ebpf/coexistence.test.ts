/** Strangers' programs are left alone, and nothing of ours outlives its process. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { afterEach, describe, expect, test } from "vitest";
import { silentLogger } from "../../../src/base/index.ts";
import { defaultMeshSettings } from "../../../src/ebpf/index.ts";
import { MeshWatch } from "../../../src/ebpf/io/mesh-watch.ts";
import type { Native, ObjectHandle } from "../../../src/ebpf/io/native-contract.ts";
import { eventually, ip, nativeOrSkip, vethLink } from "../../native/veth-link.ts";

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function newLink() {
  const link = vethLink();
  cleanups.push(() => link.remove());
  return link;
}

async function newWatch(addon: { native: Native; folder: string }) {
  const watch = new MeshWatch(
    { native: addon.native, logger: silentLogger, onEvents: () => {} },
    { folder: addon.folder, modes: ["native", "generic"], settings: defaultMeshSettings },
  );
  cleanups.push(() => watch.stop());
  expect(await watch.start()).toMatchObject({ ok: true });
  return watch;
}

/** A program that is none of ours. */
async function stranger(native: Native): Promise<ObjectHandle> {
  const folder = mkdtempSync(path.join(tmpdir(), "meshmend-stranger-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const object = path.join(folder, "stranger.o");
  const source = [
    `__attribute__((section("xdp"), used)) int their_firewall(void *ctx) { return 2; }`,
    `char terms[] __attribute__((section("license"), used)) = "GPL";`,
  ].join("\n");
  execFileSync("clang", ["-O2", "-g", "-target", "bpf", "-x", "c", "-", "-c", "-o", object], {
    input: source,
  });
  const loaded = await native.load(object, ["their_firewall"]);
  if (!loaded.ok) throw new Error(loaded.error.log);
  cleanups.push(() => void native.close(loaded.value.object));
  return loaded.value.object;
}

function attachedTo(native: Native, index: number) {
  const found = native.queryXdp(index);
  if (!found.ok) throw new Error(found.error.message);
  return found.value.nativeProgram || found.value.genericProgram;
}

describe("strangers", () => {
  test.for(["native", "generic"] as const)(
    "a %s program of somebody else stays, and is named with its id",
    async (mode, context) => {
      const addon = nativeOrSkip(context);
      const link = newLink();
      const theirs = addon.native.attachXdp(
        await stranger(addon.native),
        "their_firewall",
        link.index,
        mode,
      );
      if (!theirs.ok) throw new Error(theirs.error.message);
      const before = attachedTo(addon.native, link.index);
      const watch = await newWatch(addon);
      const watched = await watch.watch([link.name]);
      expect(watched).toMatchObject({
        ok: true,
        value: { attached: [], refused: [{ name: link.name, fault: { code: "E_XDP_OCCUPIED" } }] },
      });
      const message = watched.ok ? watched.value.refused[0]?.fault.message : "";
      expect(message).toContain(`their_firewall (id ${before}, ${mode})`);
      expect(attachedTo(addon.native, link.index)).toBe(before);
      expect(watch.health()).toMatchObject({ state: "degraded" });
      // Once it is gone, the interface is ours.
      addon.native.detach(theirs.value);
      expect(await watch.watch([link.name])).toMatchObject({
        ok: true,
        value: { attached: [{ name: link.name }], refused: [] },
      });
      expect(watch.health()).toMatchObject({ state: "ok" });
    },
  );

  test("one that comes between asking and attaching is refused by the kernel", async (context) => {
    const addon = nativeOrSkip(context);
    const link = newLink();
    const object = await stranger(addon.native);
    const first = addon.native.attachXdp(object, "their_firewall", link.index, "native");
    expect(first.ok).toBe(true);
    expect(addon.native.attachXdp(object, "their_firewall", link.index, "native")).toMatchObject({
      ok: false,
      error: { name: "EBUSY", operation: "attachXdp" },
    });
  });
});

describe("interfaces", () => {
  test("come, go and come back under another index", async (context) => {
    const addon = nativeOrSkip(context);
    const first = newLink();
    const second = newLink();
    const watch = await newWatch(addon);
    const watchBoth = () => watch.watch([first.name, second.name, "meshmend-none"]);
    expect(await watchBoth()).toMatchObject({
      ok: true,
      value: {
        attached: [{ name: first.name }, { name: second.name }],
        refused: [{ name: "meshmend-none", fault: { code: "E_NO_SUCH_INTERFACE" } }],
      },
    });
    const program = attachedTo(addon.native, first.index);
    ip("link", "del", second.name);
    expect(await watchBoth()).toMatchObject({
      ok: true,
      value: { attached: [{ name: first.name }] },
    });
    // What was attached already was not attached anew.
    expect(attachedTo(addon.native, first.index)).toBe(program);
    ip("link", "add", second.name, "type", "veth", "peer", "name", `${second.name}p`);
    const again = await watchBoth();
    expect(again).toMatchObject({
      value: { attached: [{ name: first.name }, { name: second.name }] },
    });
    expect(watch.attached()[1]?.index).not.toBe(second.index);
    expect(await watch.watch([])).toMatchObject({ ok: true, value: { attached: [], refused: [] } });
    expect(attachedTo(addon.native, first.index)).toBe(0);
  });

  test("stopping detaches, and stopping twice is fine", async (context) => {
    const addon = nativeOrSkip(context);
    const link = newLink();
    const watch = await newWatch(addon);
    await watch.watch([link.name]);
    expect(attachedTo(addon.native, link.index)).not.toBe(0);
    await watch.stop();
    await watch.stop();
    expect(attachedTo(addon.native, link.index)).toBe(0);
    expect(watch.read()).toMatchObject({ ok: false, fault: { code: "E_NOT_RUNNING" } });
  });
});

/** Another process that watches the link, as a daemon would; resolves once it does. */
async function otherDaemon(name: string): Promise<ChildProcess> {
  const script = path.join(import.meta.dirname, "watch-in-another-process.ts");
  const child = spawn(process.execPath, [script, name], { stdio: ["ignore", "pipe", "inherit"] });
  cleanups.push(() => void child.kill("SIGKILL"));
  const output: string[] = [];
  child.stdout?.on("data", (chunk) => output.push(String(chunk)));
  expect(await eventually(() => output.join("").includes("watching"))).toBe(true);
  return child;
}

describe("crashes", () => {
  test("a daemon killed with SIGKILL leaves nothing attached", async (context) => {
    const addon = nativeOrSkip(context);
    const link = newLink();
    const child = await otherDaemon(link.name);
    expect(attachedTo(addon.native, link.index)).not.toBe(0);
    const watch = await newWatch(addon);
    const refused = await watch.watch([link.name]);
    expect(refused.ok && refused.value.refused[0]?.fault.remedy).toMatch(
      /another meshmend watches it/,
    );
    child.kill("SIGKILL");
    expect(await eventually(() => attachedTo(addon.native, link.index) === 0)).toBe(true);
    expect(await watch.watch([link.name])).toMatchObject({
      ok: true,
      value: { attached: [{ name: link.name }], refused: [] },
    });
  });

  test("a program of ours that netlink left behind is removed and replaced", async (context) => {
    const addon = nativeOrSkip(context);
    const link = newLink();
    const object = path.join(addon.folder, "mesh.bpf.o");
    ip("link", "set", "dev", link.name, "xdpgeneric", "object", object, "section", "xdp");
    const leftover = attachedTo(addon.native, link.index);
    expect(addon.native.programInfo(leftover)).toMatchObject({ value: { name: "meshmend_mesh" } });
    const watch = await newWatch(addon);
    expect(await watch.watch([link.name])).toMatchObject({
      ok: true,
      value: { attached: [{ name: link.name, mode: "native" }], refused: [] },
    });
    expect(attachedTo(addon.native, link.index)).not.toBe(leftover);
  });
});

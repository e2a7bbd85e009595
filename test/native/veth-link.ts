/** Real links for tests: a veth pair between this namespace and one of the test's own. */

import { execFile, execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import type { TestContext } from "vitest";
import { loadNative } from "../../src/ebpf/io/load-native.ts";
import type { Native } from "../../src/ebpf/io/native-contract.ts";
import { runOf } from "./frames.ts";

/** Why tests of the kernel cannot run here, or null. */
export function whyNoKernelTests(): string | null {
  if (process.getuid?.() !== 0) return "needs root: loads BPF programs";
  const probe = loadNative();
  if (probe.kind === "absent") return `needs the addon: ${probe.why}; ${probe.needs}`;
  if (probe.kind === "unknown") return `needs the addon: ${probe.why}`;
  if (spawnSync("ip", ["-V"]).status !== 0) return "needs ip (Debian: iproute2)";
  return null;
}

/** The addon, or the test is skipped aloud. */
export function nativeOrSkip(context: TestContext): { native: Native; folder: string } {
  const why = whyNoKernelTests();
  if (why !== null) context.skip(why);
  const probe = loadNative();
  if (probe.kind !== "available") throw new Error("the addon vanished");
  return probe;
}

let links = 0;

export interface VethLink {
  /** In this process's namespace. */
  readonly name: string;
  readonly index: number;
  readonly address: string;
  /** The other end, in its own namespace. */
  readonly peerNamespace: string;
  readonly peerName: string;
  /** Sends frames from the other end; answers how many were sent. */
  inject(frames: readonly Buffer[], microsecondsBetween?: number): number;
  /** The same beside this process, which goes on meanwhile. */
  injectBeside(frames: readonly Buffer[], microsecondsBetween: number): Promise<number>;
  remove(): void;
}

export function ip(...args: string[]): string {
  return execFileSync("ip", args, { encoding: "utf8" });
}

export function vethLink(): VethLink {
  const id = `${process.pid.toString(36)}${(links++).toString(36)}`;
  const [name, peerName, peerNamespace] = [`mv${id}`, `mp${id}`, `meshmend-test-${id}`];
  const folder = mkdtempSync(path.join(tmpdir(), "meshmend-veth-"));
  ip("netns", "add", peerNamespace);
  ip("link", "add", name, "type", "veth", "peer", "name", peerName, "netns", peerNamespace);
  // IPv6 would put frames of its own onto the link.
  for (const [prefix, end] of [
    [[], name],
    [["-n", peerNamespace], peerName],
  ] as const) {
    ip(...prefix, "link", "set", end, "addrgenmode", "none");
    ip(...prefix, "link", "set", end, "up");
  }
  const tool = path.join(folder, "inject");
  execFileSync("cc", ["-O2", "-o", tool, path.join(import.meta.dirname, "inject.c")]);
  const [described] = JSON.parse(ip("-j", "link", "show", name));
  const sender = (microsecondsBetween: number) =>
    ["netns", "exec", peerNamespace, tool, peerName, String(microsecondsBetween)] as const;
  return {
    name,
    index: described.ifindex,
    address: described.address,
    peerNamespace,
    peerName,
    inject(frames, microsecondsBetween = 0) {
      const input = runOf(frames);
      return Number(execFileSync("ip", sender(microsecondsBetween), { input, encoding: "utf8" }));
    },
    async injectBeside(frames, microsecondsBetween) {
      const running = promisify(execFile)("ip", sender(microsecondsBetween), { encoding: "utf8" });
      running.child.stdin?.end(runOf(frames));
      return Number((await running).stdout);
    },
    remove() {
      spawnSync("ip", ["link", "del", name]);
      spawnSync("ip", ["netns", "del", peerNamespace]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until `done` holds, for at most `limitMs`; says whether it came to hold. */
export async function eventually(done: () => boolean, limitMs = 10_000): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < limitMs; waitedMs += 20) {
    if (done()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return done();
}

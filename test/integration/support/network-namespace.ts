/**
 * A network namespace of a test's own. A process that sleeps inside it holds it, and through that
 * process's /proc the kernel shows the namespace's procfs and sysfs to code outside; so the sensors
 * run in the test's process and read another network.
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readlinkSync } from "node:fs";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import type { KernelRoots, RunCommand } from "../../../src/mape-k/io/index.ts";

export interface NetworkNamespace {
  readonly name: string;
  /** The namespace's procfs and sysfs, readable from outside. */
  readonly roots: KernelRoots;
  /** Runs a command inside and returns what it wrote; throws when it fails. */
  exec(command: string, ...args: string[]): string;
  /** Runs a Node script inside, with the runtime of this test. */
  execNode(script: string, ...args: string[]): string;
  /** Two Ethernet interfaces joined by a wire, both down. */
  addVethPair(one: string, other: string): void;
  /** Runs commands inside; `prefix` goes before the command (e.g. setpriv). */
  runner(run: RunCommand, prefix?: readonly string[]): RunCommand;
  close(): Promise<void>;
}

/** Null when namespaces can be made here, else why not, for `ctx.skip`. */
export function namespaceProblem(): string | null {
  if (process.getuid?.() !== 0) return "needs root: it makes network namespaces";
  const name = uniqueName();
  try {
    execFileSync("ip", ["netns", "add", name], { stdio: "pipe" });
    execFileSync("ip", ["netns", "exec", name, "true"], { stdio: "pipe" });
    return null;
  } catch (thrown) {
    return `needs network namespaces: ${String(thrown).split("\n").join(" ")}`;
  } finally {
    remove(name);
  }
}

export async function openNetworkNamespace(): Promise<NetworkNamespace> {
  const name = uniqueName();
  execFileSync("ip", ["netns", "add", name], { stdio: "pipe" });
  const holder = spawn("ip", ["netns", "exec", name, "sleep", "3600"], { stdio: "ignore" });
  try {
    await hasEntered(holder, name);
  } catch (thrown) {
    await end(holder);
    remove(name);
    throw thrown;
  }
  const exec = (command: string, ...args: string[]) =>
    execFileSync("ip", ["netns", "exec", name, command, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  return {
    name,
    roots: { procRoot: `/proc/${holder.pid}`, sysRoot: `/proc/${holder.pid}/root/sys` },
    exec,
    execNode: (script, ...args) => exec(process.execPath, script, ...args),
    addVethPair(one, other) {
      exec("ip", "link", "add", "name", one, "type", "veth", "peer", "name", other);
    },
    runner:
      (run, prefix = []) =>
      (command, args, signal) =>
        run("ip", ["netns", "exec", name, ...prefix, command, ...args], signal),
    async close() {
      await end(holder);
      remove(name);
    },
  };
}

/** Names carry this process's id: whoever finds one left over knows whose it was. */
function uniqueName(): string {
  return `mm-${process.pid}-${randomBytes(4).toString("hex")}`;
}

/** `ip netns exec` enters the namespace and mounts its sysfs before it becomes `sleep`. */
async function hasEntered(holder: ChildProcess, name: string): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (holder.exitCode !== null) throw new Error(`nothing holds namespace ${name}`);
    if (commandOf(holder)?.endsWith("/sleep") === true) return;
    await delay(10);
  }
  throw new Error(`the holder of namespace ${name} did not start`);
}

function commandOf(child: ChildProcess): string | null {
  const link = `/proc/${child.pid}/exe`;
  return existsSync(link) ? readlinkSync(link) : null;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

function remove(name: string): void {
  if (!existsSync(`/run/netns/${name}`)) return;
  execFileSync("ip", ["netns", "delete", name], { stdio: "pipe" });
}

/**
 * Boots the lab's image in QEMU and gives the channel to its agent. It knows QEMU's command line,
 * and where a boot's console goes. Software emulation, always: /dev/kvm may exist and yet hang.
 *
 * The agent's port is QEMU's own standard input and output: when this process dies, however it
 * dies, the agent reads an end of file and the machine powers off.
 */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { ReadyLine } from "../guest/protocol.ts";
import { buildImage, cacheFolder, type LabImage } from "../image/image.ts";
import type { LineChannel, LineHandler } from "./guest.ts";

export interface VirtualMachine {
  readonly channel: LineChannel;
  readonly kernel: string;
  /** From the start of QEMU to the agent's first line. */
  readonly bootMs: number;
  /** The console, and what else a run keeps; removed by `close` unless it shall stay. */
  readonly logFolder: string;
  close(options?: { readonly keepLogs?: boolean }): Promise<void>;
}

export interface BootOptions {
  /** A boot that takes longer has failed. */
  readonly bootWithinMs?: number;
  /** The machine's whole life. */
  readonly lifeMs?: number;
  readonly memoryMegabytes?: number;
}

/** Node fires at once when asked for more. */
const longestTimerMs = 2 ** 31 - 1;

type Qemu = ChildProcessByStdio<Writable, Readable, Readable>;

const logs = join(cacheFolder, "logs");
const keptLogs = 20;
const agent = join(import.meta.dirname, "../guest/agent.ts");
/** Of the agent and of what the guest runs besides the daemon; filled by what runs on the host. */
const compileCache = join(cacheFolder, "compile-cache");

/** Throws with the console's end when the machine does not come up. */
export async function bootVirtualMachine(options: BootOptions = {}): Promise<VirtualMachine> {
  const { bootWithinMs = 120_000, lifeMs = 3_600_000, memoryMegabytes = 3_072 } = options;
  const image = buildImage();
  const startedMs = performance.now();
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, "-");
  const logFolder = join(logs, `${stamp}-${process.pid}`);
  mkdirSync(logFolder, { recursive: true });
  mkdirSync(compileCache, { recursive: true });
  forgetOldLogs();
  const consoleLog = join(logFolder, "console.log");
  const command = qemuCommand(image, { consoleLog, memoryMegabytes });
  const [program = "", ...rest] = command;
  const qemu = spawn(program, rest, { stdio: ["pipe", "pipe", "pipe"] });
  const life = setTimeout(() => qemu.kill("SIGKILL"), Math.min(lifeMs, longestTimerMs));
  const channel = childChannel(qemu, () => `${command.join(" ")}\n${endOfFile(consoleLog)}`);
  try {
    const ready = await readyLine(channel, bootWithinMs);
    return {
      channel,
      kernel: ready.kernel,
      bootMs: Math.round(performance.now() - startedMs),
      logFolder,
      async close({ keepLogs = false } = {}) {
        clearTimeout(life);
        await powerOff(qemu);
        if (!keepLogs) rmSync(logFolder, { recursive: true, force: true });
      },
    };
  } catch (thrown) {
    clearTimeout(life);
    await powerOff(qemu);
    throw thrown;
  }
}

function qemuCommand(
  image: LabImage,
  { consoleLog, memoryMegabytes }: { consoleLog: string; memoryMegabytes: number },
): readonly string[] {
  const parameters = {
    console: "ttyS0",
    panic: "-1",
    // The processor's own counter is one for all here, which the kernel cannot know. Without it
    // each look at the clock, and Node takes many, leaves the emulated processor.
    tsc: "reliable",
    "lab.node": process.execPath,
    "lab.agent": agent,
    "lab.compile-cache": compileCache,
  };
  const append = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return [
    "qemu-system-x86_64",
    ...["-accel", "tcg,thread=multi", "-smp", "2", "-m", String(memoryMegabytes)],
    ...["-no-reboot", "-nodefaults", "-no-user-config", "-display", "none"],
    ...["-serial", `file:${consoleLog}`],
    ...["-chardev", "stdio,id=lab,signal=off", "-device", "virtio-serial"],
    ...["-device", "virtserialport,chardev=lab,name=lab"],
    ...["-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"],
    ...["-device", "virtio-9p-pci,fsdev=host,mount_tag=host"],
    ...["-kernel", image.kernel, "-initrd", image.initrd],
    ...["-append", ["quiet", ...append].join(" ")],
  ];
}

/** Lines over a child's standard streams. `post` adds to the reason why it ended. */
export function childChannel(child: Qemu, post: () => string): LineChannel {
  let handler: LineHandler | null = null;
  let gone: string | null = null;
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    complaints = (complaints + chunk).slice(-4_000);
  });
  const over = (reason: string) => {
    if (gone !== null) return;
    gone = `${reason}\n${complaints}${post()}`;
    handler?.ended(gone);
  };
  // A write after its end; the end itself is reported below.
  child.stdin.on("error", () => {});
  child.on("error", (error) => over(error.message));
  child.on("exit", (code, signal) => over(`the machine ended (${signal ?? `exit code ${code}`})`));
  createInterface({ input: child.stdout }).on("line", (line) => handler?.line(line));
  return {
    send: (line) => child.stdin.write(`${line}\n`),
    listen(next) {
      handler = next;
      if (gone !== null) next?.ended(gone);
    },
  };
}

function readyLine(channel: LineChannel, withinMs: number): Promise<ReadyLine> {
  const { promise, resolve, reject } = Promise.withResolvers<ReadyLine>();
  const late = () => reject(new Error(`the lab did not boot within ${withinMs} ms`));
  const timer = setTimeout(late, withinMs);
  channel.listen({
    line: (line) => resolve(JSON.parse(line) as ReadyLine),
    ended: (reason) => reject(new Error(`the lab did not boot: ${reason}`)),
  });
  return promise.finally(() => {
    clearTimeout(timer);
    channel.listen(null);
  });
}

async function powerOff(qemu: Qemu): Promise<void> {
  if (qemu.exitCode !== null || qemu.signalCode !== null || qemu.pid === undefined) return;
  const gone = new Promise((resolve) => qemu.once("exit", resolve));
  // Nothing in it is worth a clean shutdown: its disk is memory.
  qemu.kill("SIGKILL");
  await gone;
}

/** Names begin with the time: sorting by name is sorting by age. */
function forgetOldLogs(): void {
  for (const name of readdirSync(logs).toSorted().slice(0, -keptLogs)) {
    rmSync(join(logs, name), { recursive: true, force: true });
  }
}

function endOfFile(file: string): string {
  try {
    return readFileSync(file, "utf8").slice(-4_000);
  } catch {
    return `${file} cannot be read`;
  }
}

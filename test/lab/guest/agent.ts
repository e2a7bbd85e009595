/**
 * The lab's only program inside the virtual machine: it starts processes and reports them, as
 * guest/protocol.ts says. It lives from boot to power-off, for starting a Node takes seconds there.
 * Its standard input ends when the host's process ends; then it ends too, and the machine with it.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import {
  type EndLine,
  type GuestLine,
  type GuestRequest,
  maxOutputBytes,
  type RunRequest,
  type SignalRequest,
  type StartRequest,
} from "./protocol.ts";

const running = new Map<number, ChildProcess>();

function send(line: GuestLine): void {
  // Synchronous, on a pipe as on the port: what was said is not lost when the agent ends.
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function end(id: number, about: Partial<EndLine>): void {
  const nothing = { exitCode: null, endedBy: null, stdout: "", stderr: "", droppedBytes: 0 };
  send({ id, ...nothing, ...about, atMs: performance.now() });
}

function begin({ id, command, environment }: RunRequest | StartRequest): ChildProcess {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    env: { ...process.env, ...environment },
    // A group of its own, so that a signal reaches what `ip netns exec` or a shell started.
    detached: true,
    cwd: "/run",
    stdio: ["pipe", "pipe", "pipe"],
  });
  running.set(id, child);
  return child;
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended meanwhile; its end is reported by its own event.
  }
}

/** The text of a stream, up to the limit; the rest is counted. */
function collect(stream: Readable) {
  const collected = { text: "", droppedBytes: 0 };
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    if (collected.text.length + chunk.length <= maxOutputBytes) collected.text += chunk;
    else collected.droppedBytes += chunk.length;
  });
  return collected;
}

function run(request: RunRequest): void {
  const child = begin(request);
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) =>
    collect(stream as Readable),
  );
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    signalGroup(child, "SIGKILL");
  }, request.timeoutMs);
  whenEnded(request.id, child, (about) => {
    clearTimeout(timer);
    end(request.id, {
      ...about,
      ...(late ? { endedBy: "timeout" } : {}),
      stdout: stdout?.text ?? "",
      stderr: stderr?.text ?? "",
      droppedBytes: (stdout?.droppedBytes ?? 0) + (stderr?.droppedBytes ?? 0),
    });
  });
  // A program that does not read its input closes it: that is its own affair.
  child.stdin?.on("error", () => {});
  child.stdin?.end(request.input ?? "");
}

function start(request: StartRequest): void {
  const { id } = request;
  const child = begin(request);
  child.stdin?.on("error", () => {});
  child.stdin?.end();
  for (const from of ["stdout", "stderr"] as const) {
    createInterface({ input: child[from] as Readable }).on("line", (line) => {
      send({ id, from, line: line.slice(0, maxOutputBytes), atMs: performance.now() });
    });
  }
  whenEnded(id, child, (about) => end(id, about));
}

function whenEnded(
  id: number,
  child: ChildProcess,
  report: (about: Pick<EndLine, "exitCode" | "endedBy">) => void,
): void {
  const once = (about: Pick<EndLine, "exitCode" | "endedBy">) => {
    if (running.delete(id)) report(about);
  };
  child.on("error", (error) => {
    if (child.pid === undefined) once({ exitCode: null, endedBy: error.message });
  });
  // "exit" instead of "close" would lose the last lines; a grandchild that holds the pipe open
  // after its parent is ended by the group's signal.
  child.on("close", (exitCode, signal) => once({ exitCode, endedBy: signal }));
  child.on("exit", () => signalGroup(child, "SIGKILL"));
}

function signal({ id, signal: name }: SignalRequest): void {
  const child = running.get(id);
  if (child !== undefined) signalGroup(child, name);
}

function reset(id: number): void {
  for (const child of running.values()) signalGroup(child, "SIGKILL");
  end(id, { exitCode: 0 });
}

function handle(request: GuestRequest): void {
  if (request.do === "run") run(request);
  else if (request.do === "start") start(request);
  else if (request.do === "signal") signal(request);
  else reset(request.id);
}

createInterface({ input: process.stdin })
  .on("line", (line) => handle(JSON.parse(line) as GuestRequest))
  .on("close", () => {
    for (const child of running.values()) signalGroup(child, "SIGKILL");
    process.exit(0);
  });
const kernel = readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
send({ ready: true, kernel, node: process.version });

/** A real etcd on free loopback ports with a data directory of its own: the oracle. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Null when both programs are here; else what is missing. */
export function missingEtcd(): string | null {
  for (const program of ["etcd", "etcdctl"]) {
    const run = spawnSync(program, ["--version"], { env: { ...process.env, ETCDCTL_API: "2" } });
    if (run.error !== undefined) {
      return `needs ${program} (Debian packages etcd-server and etcd-client)`;
    }
  }
  return null;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" && address !== null ? address.port : 0;
}

export interface EtcdProcess {
  readonly endpoint: string;
  stop(): Promise<void>;
}

export async function startEtcd(): Promise<EtcdProcess> {
  const folder = mkdtempSync(join(tmpdir(), "meshmend-etcd-"));
  const [client, peer] = [await freePort(), await freePort()];
  const urls = { client: `http://127.0.0.1:${client}`, peer: `http://127.0.0.1:${peer}` };
  const child = spawn(
    "etcd",
    [
      ...["--name", "a", "--data-dir", join(folder, "data"), "--logger", "zap"],
      ...["--listen-client-urls", urls.client, "--advertise-client-urls", urls.client],
      ...["--listen-peer-urls", urls.peer, "--initial-advertise-peer-urls", urls.peer],
      ...["--initial-cluster", `a=${urls.peer}`, "--log-level", "error"],
    ],
    { stdio: "ignore" },
  );
  const stop = async () => {
    await ended(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const endpoint = `127.0.0.1:${client}`;
  const deadlineMs = performance.now() + 20_000;
  while (performance.now() < deadlineMs) {
    if (etcdctl(endpoint, ["endpoint", "health"]).status === 0) return { endpoint, stop };
    await delay(100);
  }
  await stop();
  throw new Error("etcd did not become healthy within 20 s");
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exit;
}

const environment = { ...process.env, ETCDCTL_API: "3" };

/** Waits without the event loop: only for a server in another process. */
function etcdctl(endpoint: string, args: readonly string[]) {
  return spawnSync("etcdctl", ["--endpoints", endpoint, ...args], {
    env: environment,
    encoding: "utf8",
  });
}

export interface CommandOutcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunningCommand {
  /** What it has said so far. */
  out(): string;
  input(text: string): void;
  interrupt(): void;
  readonly outcome: Promise<CommandOutcome>;
}

export function startEtcdctl(endpoint: string, args: readonly string[]): RunningCommand {
  const child = spawn("etcdctl", ["--endpoints", endpoint, ...args], { env: environment });
  const text = { out: "", err: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    text.out += chunk.toString("latin1");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    text.err += chunk.toString("latin1");
  });
  // Most commands end without having read what they were given.
  child.stdin.on("error", () => {});
  const outcome = new Promise<CommandOutcome>((resolve) => {
    child.once("close", (code) => resolve({ code, ...text }));
  });
  return {
    out: () => text.out,
    input: (input) => child.stdin.end(input),
    interrupt: () => void child.kill("SIGINT"),
    outcome,
  };
}

export async function runEtcdctl(
  endpoint: string,
  args: readonly string[],
  input = "",
): Promise<CommandOutcome> {
  const command = startEtcdctl(endpoint, args);
  command.input(input);
  return command.outcome;
}

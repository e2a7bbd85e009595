/** Whole daemons with a folder and free ports of their own, asked as an operator asks them. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually, freePort } from "./process-group.ts";

const run = promisify(execFile);
const binary = join(import.meta.dirname, "../../../bin/meshmend");

export interface Daemon {
  readonly id: string;
  readonly http: string;
  readonly peer: string;
  /** Where clients of etcd ask. */
  readonly grpc: string;
  readonly dataDir: string;
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  log(): string;
}

export interface Cluster {
  readonly clusterId: string;
  readonly phase: string;
  readonly leader: string | null;
  readonly members: readonly { readonly id: string; readonly role: string }[];
}

const folder = () => mkdtempSync(join(tmpdir(), "meshmend-daemons-"));
const cleanUps: (() => void)[] = [];

/** For `afterEach`: kills all that were started, and removes what they wrote. */
export function endDaemons(): void {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
}

export interface DaemonPlace {
  /** What runs it, such as `ip netns exec NAME`. */
  readonly wrapper?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export async function startDaemon(
  id: string,
  more: readonly string[] = [],
  kept?: Partial<Pick<Daemon, "dataDir" | "peer">>,
  { wrapper = [], environment = {} }: DaemonPlace = {},
): Promise<Daemon> {
  const dataDir = kept?.dataDir ?? folder();
  const http = `127.0.0.1:${await freePort()}`;
  const peer = kept?.peer ?? `127.0.0.1:${await freePort()}`;
  const grpc = `127.0.0.1:${await freePort()}`;
  const words = ["run", "--node-id", id, "--http", http, "--peer", peer, "--data-dir", dataDir];
  const [command = binary, ...rest] = [...wrapper, binary, ...words];
  const child = spawn(command, [...rest, "--mesh-interface", "none", ...more], {
    cwd: dataDir,
    env: { ...process.env, ...environment, MESHMEND_LOG_FORMAT: "json", MESHMEND_GRPC: grpc },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      log += chunk;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  cleanUps.push(() => {
    child.kill("SIGKILL");
    if (kept?.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
  });
  return { id, http, peer, grpc, dataDir, child, ended, log: () => log };
}

export async function get<Body>({ http }: Daemon, path: string): Promise<Body | null> {
  try {
    return (await (await fetch(`http://${http}${path}`)).json()) as Body;
  } catch {
    // Not listening yet, or any more.
    return null;
  }
}

export const cluster = (daemon: Daemon) => get<Cluster>(daemon, "/api/v1/cluster/members");

/** Until this daemon sees exactly these voters. */
export async function voters(daemon: Daemon, ...ids: readonly string[]): Promise<Cluster> {
  const wanted = [...ids].sort().join(",");
  return eventually(`${daemon.id} sees ${wanted}`, async () => {
    const seen = await cluster(daemon);
    const found = (seen?.members ?? []).filter(({ role }) => role === "voter").map(({ id }) => id);
    return seen !== null && seen.leader !== null && found.sort().join(",") === wanted && seen;
  });
}

export const cli = (...words: readonly string[]) => cliIn([], ...words);

/** The same, run by `wrapper`. */
export async function cliIn(wrapper: readonly string[], ...words: readonly string[]) {
  const [command = binary, ...rest] = [...wrapper, binary, ...words];
  const done = await run(command, rest).catch((failure: unknown) => failure);
  const { stdout, stderr, code = 0 } = done as { stdout: string; stderr: string; code?: number };
  return { stdout, stderr, code };
}

export async function consensusHealth(daemon: Daemon) {
  const health = await get<{
    readonly components: readonly {
      readonly component: string;
      readonly state: string;
      readonly reason: string;
      readonly remedy?: string;
    }[];
  }>(daemon, "/health");
  return health?.components.find(({ component }) => component === "consensus");
}

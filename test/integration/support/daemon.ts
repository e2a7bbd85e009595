/** A real daemon in a network namespace: the process, its log, and its HTTP face seen from inside. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Decision, NumberedEvent, Observation, Symptom } from "../../../src/mape-k/index.ts";
import type { NetworkNamespace } from "./network-namespace.ts";

export interface Daemon {
  readonly process: ChildProcess;
  readonly dataDir: string;
  /** What it has logged so far, as JSON lines. */
  log(): string;
  get<Body>(path: string): Body;
  symptoms(): readonly Symptom[];
  decisions(): readonly Decision[];
  observation(): Observation | null;
  /** Events of these kinds since the start, oldest first. */
  events<Kind extends NumberedEvent["event"]["kind"]>(
    kind: Kind,
  ): Extract<NumberedEvent["event"], { readonly kind: Kind }>[];
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

export interface DaemonOptions {
  readonly dataDir: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Listens for others too, without authentication; the test still asks on loopback. */
  readonly listensForOthers?: boolean;
}

const root = join(import.meta.dirname, "../../..");
const port = 8480;

export function temporaryDataDir(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "meshmend-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Starts it and waits until it answers. */
export async function startDaemon(
  namespace: NetworkNamespace,
  { dataDir, environment = {}, listensForOthers = false }: DaemonOptions,
): Promise<Daemon> {
  const command = ["netns", "exec", namespace.name, join(root, "bin/meshmend"), "run"];
  const host = listensForOthers ? "0.0.0.0" : "127.0.0.1";
  const child = spawn("ip", [...command, "--data-dir", dataDir, "--http", `${host}:${port}`], {
    cwd: dataDir,
    env: {
      ...process.env,
      MESHMEND_LOG_FORMAT: "json",
      ...(listensForOthers && { MESHMEND_HTTP_INSECURE: "true" }),
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
  }
  const fetched = (path: string, ...flags: string[]) =>
    namespace.exec("curl", "--silent", ...flags, `http://127.0.0.1:${port}${path}`);
  const get = <Body>(path: string) => JSON.parse(fetched(path, "--fail-with-body")) as Body;
  const daemon: Daemon = {
    process: child,
    dataDir,
    log: () => output,
    get,
    symptoms: () => get<{ symptoms: Symptom[] }>("/api/v1/mape-k/symptoms").symptoms,
    decisions: () => get<{ decisions: Decision[] }>("/api/v1/mape-k/decisions").decisions,
    observation: () =>
      get<{ observation: Observation | null }>("/api/v1/mape-k/observations").observation,
    events: (kind) => readEvents(namespace).filter((event) => event.kind === kind) as never,
    async kill(signal) {
      const gone = new Promise<number | null>((resolve) => child.once("exit", resolve));
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      child.kill(signal);
      return gone;
    },
  };
  for (let attempt = 0; attempt < 300; attempt++) {
    if (child.exitCode !== null) break;
    try {
      if (
        fetched("/health/ready", "--output", "/dev/null", "--write-out", "%{http_code}") === "200"
      )
        return daemon;
    } catch {
      // Not listening yet.
    }
    await delay(100);
  }
  await daemon.kill("SIGKILL");
  throw new Error(`the daemon did not become ready:\n${output}`);
}

/** The whole ring: a stream that is cut after a second has delivered what was in it. */
function readEvents(namespace: NetworkNamespace): NumberedEvent["event"][] {
  const url = `http://127.0.0.1:${port}/api/v1/events?after=0`;
  const stream = namespace.exec("sh", "-c", `curl --silent --max-time 1 '${url}' || [ $? = 28 ]`);
  return stream
    .split("\n")
    .filter((line) => line.startsWith("data:"))
    .map((line) => JSON.parse(line.slice("data:".length)) as NumberedEvent)
    .map(({ event }) => event);
}

/** Polls until `look` gives something; fails with what was seen last. */
export async function eventually<Seen>(
  what: string,
  withinMs: number,
  look: () => Seen | null | undefined | false,
  context: () => string = () => "",
): Promise<Seen> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    const seen = look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    await delay(50);
  }
  throw new Error(`not within ${withinMs} ms: ${what}\n${context()}`);
}

/**
 * A meshmend daemon inside a node of the lab: its process, its log, its event stream and its HTTP
 * face. It knows how the daemon is started there, and asks it as little as it can: each question is
 * a process on an emulated processor, so what happens is taken from one long-lived event stream.
 */

import type { Decision, NumberedEvent, Symptom } from "../../src/mape-k/index.ts";
import type { EndLine, OutputLine } from "./guest/protocol.ts";
import { bundleDaemon } from "./host/daemon-bundle.ts";
import type { Guest, GuestProcess } from "./host/guest.ts";

export interface MeshmendOptions {
  readonly mode?: "observe" | "confirm" | "act";
  /** More flags of `meshmend run`. */
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly readyWithinMs?: number;
}

/** An event, and when it arrived here in the guest's time. */
export interface SeenEvent {
  readonly atMs: number;
  readonly event: NumberedEvent["event"];
}

/** What a daemon needs of the mesh around it. */
interface Surroundings {
  readonly guest: Guest;
  inside(node: string, command: readonly string[]): readonly string[];
  exec(node: string, command: readonly string[]): Promise<EndLine>;
}

const address = "127.0.0.1:8480";
const keptLogLines = 5_000;
const keptEvents = 5_000;

type Kind = NumberedEvent["event"]["kind"];
type EventOf<Name extends Kind> = Extract<NumberedEvent["event"], { readonly kind: Name }>;

export class MeshmendNode {
  readonly node: string;
  readonly dataDir: string;
  /** From the start of the process to the line that says it watches. */
  readonly startMs: number;
  readonly ended: Promise<EndLine>;
  readonly #mesh: Surroundings;
  readonly #process: GuestProcess;
  readonly #stream: GuestProcess;
  readonly #log: readonly string[];
  readonly #events: SeenEvent[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(
    mesh: Surroundings,
    started: {
      readonly node: string;
      readonly dataDir: string;
      readonly process: GuestProcess;
      readonly log: readonly string[];
      readonly startMs: number;
    },
  ) {
    this.#mesh = mesh;
    this.node = started.node;
    this.dataDir = started.dataDir;
    this.startMs = started.startMs;
    this.#process = started.process;
    this.#log = started.log;
    this.ended = started.process.ended;
    const url = `http://${address}/api/v1/events?after=0`;
    const curl = ["curl", "--silent", "--no-buffer", "--retry", "20", "--retry-connrefused", url];
    this.#stream = mesh.guest.start(mesh.inside(this.node, curl));
    this.#stream.onLine((line) => this.#read(line));
  }

  static async start(
    mesh: Surroundings,
    node: string,
    options: MeshmendOptions,
  ): Promise<MeshmendNode> {
    const { mode = "observe", flags = [], environment = {}, readyWithinMs = 60_000 } = options;
    const { launcher, compileCache } = await bundleDaemon();
    const startedMs = performance.now();
    const dataDir = `/run/meshmend/${node}`;
    const own = ["--data-dir", dataDir, "--http", address, "--node-id", node, "--mode", mode];
    const process = mesh.guest.start(mesh.inside(node, [launcher, "run", ...own, ...flags]), {
      environment: {
        NODE_COMPILE_CACHE: compileCache,
        MESHMEND_LOG_FORMAT: "json",
        ...environment,
      },
    });
    const log: string[] = [];
    const ready = new Promise<"ready">((resolve) => {
      process.onLine(({ line }) => {
        log.push(line);
        if (log.length > keptLogLines) log.shift();
        if (line.includes("watches this machine")) resolve("ready");
      });
    });
    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => late.resolve("late"), readyWithinMs);
    const first = await Promise.race([ready, process.ended, late.promise]);
    clearTimeout(timer);
    if (first === "ready") {
      const startMs = Math.round(performance.now() - startedMs);
      return new MeshmendNode(mesh, { node, dataDir, process, log, startMs });
    }
    await process.stop();
    const how = first === "late" ? `not ready within ${readyWithinMs} ms` : endText(first);
    throw new Error(`meshmend on ${node}: ${how}\n${log.slice(-20).join("\n")}`);
  }

  /** Its log as JSON lines, the latest thousands. */
  log(): readonly string[] {
    return [...this.#log];
  }

  /** Events since its start, oldest first. */
  events(): readonly SeenEvent[] {
    return [...this.#events];
  }

  eventsOf<Name extends Kind>(
    kind: Name,
  ): { readonly atMs: number; readonly event: EventOf<Name> }[] {
    return this.#events.filter(({ event }) => event.kind === kind) as never;
  }

  /** Waits for the first event that `look` likes; null when none comes within the time. */
  async waitFor<Found>(
    look: (seen: SeenEvent) => Found | null,
    withinMs: number,
  ): Promise<Found | null> {
    const deadlineMs = performance.now() + withinMs;
    let next = 0;
    for (;;) {
      for (; next < this.#events.length; next++) {
        const found = look(this.#events[next] as SeenEvent);
        if (found !== null) return found;
      }
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) return null;
      await this.#change(leftMs);
    }
  }

  /** GET, decoded. */
  async get<Body>(path: string): Promise<Body> {
    const curl = ["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "15"];
    const { stdout } = await this.#mesh.exec(this.node, [...curl, `http://${address}${path}`]);
    return JSON.parse(stdout) as Body;
  }

  async symptoms(): Promise<readonly Symptom[]> {
    return (await this.get<{ symptoms: Symptom[] }>("/api/v1/mape-k/symptoms")).symptoms;
  }

  async decisions(): Promise<readonly Decision[]> {
    return (await this.get<{ decisions: Decision[] }>("/api/v1/mape-k/decisions")).decisions;
  }

  signal(signal: "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    this.#process.signal(signal);
  }

  async stop(): Promise<EndLine> {
    const end = await this.#process.stop();
    await this.#stream.stop();
    return end;
  }

  #read({ line, atMs }: OutputLine): void {
    if (!line.startsWith("data:")) return;
    const { event } = JSON.parse(line.slice("data:".length)) as NumberedEvent;
    if (this.#events.length >= keptEvents) {
      throw new Error(`${this.node} announced more than ${keptEvents} events`);
    }
    this.#events.push({ atMs, event });
    for (const wake of this.#waiting) wake();
  }

  #change(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, withinMs);
      this.#waiting.add(wake);
    });
  }
}

function endText({ exitCode, endedBy }: EndLine): string {
  return endedBy === null ? `ended with exit code ${exitCode}` : `ended by ${endedBy}`;
}

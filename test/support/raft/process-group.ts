/** Members as processes on loopback, with what a test may do to them. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { Fault, NodeId } from "../../../src/base/index.ts";
import type { DriverStatus, Member, RaftOptions } from "../../../src/consensus/index.ts";
import type { MemberArguments, MemberCommand } from "./member-process.ts";

export interface Refusable {
  readonly ok: boolean;
  readonly fault?: Fault;
}

type Status = DriverStatus & { readonly rssBytes: number; readonly restored: number };

/** As bin/meshmend has it: what a member takes is what a daemon takes. */
const nursery = "--max-semi-space-size=1";

export class MemberProcess {
  readonly member: Member;
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly kind: string } | null>;
  readonly #answers = new Map<number, (value: unknown) => void>();
  #lastId = 0;
  #started: Promise<Fault | null>;

  constructor(given: MemberArguments, wrapper: readonly string[] = []) {
    this.member = given.member;
    const script = join(import.meta.dirname, "member-process.ts");
    const words = [...wrapper, process.execPath, nursery, script, JSON.stringify(given)];
    const [command = "", ...rest] = words;
    this.child = spawn(command, rest, { stdio: ["pipe", "pipe", "inherit"] });
    const started = Promise.withResolvers<Fault | null>();
    const ended = Promise.withResolvers<{ readonly kind: string } | null>();
    this.#started = started.promise;
    this.ended = ended.promise;
    // Killed with a command on its way: the pipe breaks, the answer never comes.
    this.child.stdin?.on("error", () => {});
    this.child.once("exit", () => {
      started.resolve({ code: "E_EXITED", message: "the process ended" });
      ended.resolve(null);
      for (const settle of this.#answers.values()) settle(null);
      this.#answers.clear();
    });
    const lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream });
    lines.on("line", (line) => {
      const said = JSON.parse(line) as {
        readonly id?: number;
        readonly value?: unknown;
        readonly started?: boolean;
        readonly fault?: Fault;
        readonly ended?: { readonly kind: string };
      };
      if (said.started === true) started.resolve(null);
      else if (said.started === false) started.resolve(said.fault ?? null);
      else if (said.ended !== undefined) ended.resolve(said.ended);
      else if (said.id !== undefined) {
        this.#answers.get(said.id)?.(said.value);
        this.#answers.delete(said.id);
      }
    });
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  started(): Promise<Fault | null> {
    return this.#started;
  }

  /** Null when the process is gone before it answers. */
  ask<Answer>(command: MemberCommand): Promise<Answer | null> {
    if (!this.running) return Promise.resolve(null);
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      this.#answers.set(id, (value) => resolve(value as Answer | null));
      this.child.stdin?.write(`${JSON.stringify({ id, command })}\n`);
    });
  }

  put(key: string, value: string): Promise<Refusable | null> {
    return this.ask<Refusable>({ kind: "put", key, value });
  }

  status(): Promise<Status | null> {
    return this.ask<Status>({ kind: "status" });
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) return;
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill(signal);
    // A stopped process does not even die of SIGTERM before it goes on.
    await gone;
  }
}

export interface ProcessGroupOptions {
  readonly raft?: Partial<RaftOptions>;
  readonly insecure?: boolean;
  /** The addresses to use; free ports on loopback unless said. */
  readonly addresses?: readonly string[];
  /** What runs each member's process, such as `ip netns exec NAME`. */
  readonly wrapper?: (index: number) => readonly string[];
  readonly folder?: string;
}

export class ProcessGroup {
  readonly folder: string;
  readonly members: Member[] = [];
  readonly processes = new Map<string, MemberProcess>();
  readonly #founders: Member[] = [];
  readonly #options: ProcessGroupOptions;

  private constructor(options: ProcessGroupOptions) {
    this.#options = options;
    this.folder = options.folder ?? mkdtempSync(join(tmpdir(), "meshmend-group-"));
  }

  static async found(count: number, options: ProcessGroupOptions = {}): Promise<ProcessGroup> {
    const group = new ProcessGroup(options);
    for (let i = 0; i < count; i++) {
      const address = options.addresses?.[i] ?? `127.0.0.1:${await freePort()}`;
      group.#founders.push({ id: `n${i}` as NodeId, address });
    }
    group.members.push(...group.#founders);
    await Promise.all(group.members.map((member) => group.start(member.id, true)));
    return group;
  }

  get(id: string): MemberProcess {
    const found = this.processes.get(id);
    if (found === undefined) throw new Error(`no process of ${id}`);
    return found;
  }

  /** Again, unless it is its first time; a member that is no founder waits to be added. */
  async start(id: string, first = false): Promise<MemberProcess> {
    const index = this.members.findIndex((each) => each.id === id);
    const member = this.members[index];
    if (member === undefined) throw new Error(`no member ${id}`);
    const founders = first && this.#founders.includes(member) ? this.#founders : null;
    const { raft, insecure, wrapper } = this.#options;
    const started = new MemberProcess(
      {
        folder: join(this.folder, id),
        member,
        clusterId: "group",
        founders,
        mayCreate: first,
        ...(raft !== undefined && { raft }),
        ...(insecure !== undefined && { insecure }),
      },
      wrapper?.(index),
    );
    this.processes.set(id, started);
    const fault = await started.started();
    if (fault !== null) throw new Error(`${id} did not start: ${fault.message}`);
    return started;
  }

  /** The leader, as itself and a majority see it. */
  leader(among: readonly string[] = [...this.processes.keys()]): Promise<MemberProcess> {
    return eventually("a leader", async () => {
      const answers = await Promise.all(
        among.map(async (id) => {
          const process = this.get(id);
          return { process, status: await within(1_000, process.status()) };
        }),
      );
      return answers.find(({ process, status }) => {
        if (status?.role !== "leader") return false;
        const followers = answers.filter((each) => each.status?.leaderId === process.member.id);
        return followers.length * 2 > status.membership.voters.length;
      })?.process;
    });
  }

  async end(): Promise<void> {
    await Promise.all(
      [...this.processes.values()].map(async (process) => {
        process.child.kill("SIGCONT");
        await process.kill("SIGKILL");
      }),
    );
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function within<Value>(
  withinMs: number,
  promise: Promise<Value>,
): Promise<Value | null> {
  const over = new AbortController();
  const late = delay(withinMs, null, { signal: over.signal }).catch(() => null);
  const first = await Promise.race([promise, late]);
  over.abort();
  return first;
}

export async function eventually<Seen>(
  what: string,
  look: () => Promise<Seen | undefined | false> | Seen | undefined | false,
  withinMs = 20_000,
): Promise<Seen> {
  const deadlineMs = performance.now() + withinMs;
  while (performance.now() < deadlineMs) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    await delay(10);
  }
  throw new Error(`not within ${withinMs} ms: ${what}`);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" && address !== null ? address.port : 0;
}

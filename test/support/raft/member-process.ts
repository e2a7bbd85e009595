/**
 * A member as a process of its own, to be killed, stopped and cut off: commands come in as lines of
 * JSON, answers go out as lines. What it keeps is a ledger; `load` proposes as fast as it may.
 */

import { createInterface } from "node:readline";
import { type NodeId, silentLogger } from "../../../src/base/index.ts";
import { defaultRaftOptions, type Member, type RaftOptions } from "../../../src/consensus/index.ts";
import { openMember } from "../../../src/node/consensus/open-member.ts";
import { systemRandom } from "../../../src/node/system-random.ts";
import { realClock } from "../real-clock.ts";
import { LedgerMachine, put } from "./ledger-machine.ts";

export interface MemberArguments {
  readonly folder: string;
  readonly member: Member;
  readonly clusterId: string;
  readonly founders: readonly Member[] | null;
  readonly mayCreate: boolean;
  readonly raft?: Partial<RaftOptions>;
  readonly insecure?: boolean;
}

export type MemberCommand =
  | { readonly kind: "put"; readonly key: string; readonly value: string }
  /** One write after the other, as neighbours in the log; `bytes` each, over `keys` keys (1,000). */
  | {
      readonly kind: "fill";
      readonly count: number;
      readonly bytes: number;
      readonly keys?: number;
    }
  | { readonly kind: "get"; readonly key: string }
  | { readonly kind: "keys" }
  | { readonly kind: "status" }
  | { readonly kind: "transfer"; readonly target: string | null }
  | { readonly kind: "remove"; readonly id: string }
  | { readonly kind: "add"; readonly member: Member }
  | {
      readonly kind: "load";
      readonly inFlight: number;
      readonly bytes: number;
      readonly durationMs: number;
    }
  | { readonly kind: "stop" };

export interface LoadResult {
  readonly done: number;
  readonly failed: number;
  readonly tookMs: number;
  readonly latenciesMs: readonly number[];
  readonly cpuMs: number;
  readonly rssBytes: number;
}

const given = JSON.parse(process.argv[2] ?? "{}") as MemberArguments;
const machine = new LedgerMachine({ keepHistory: false });
const port = Number(given.member.address.slice(given.member.address.lastIndexOf(":") + 1));
const host = given.member.address.slice(0, given.member.address.lastIndexOf(":"));
const opened = await openMember(
  { clock: realClock, random: systemRandom, logger: silentLogger, stateMachine: machine },
  {
    folder: given.folder,
    id: given.member.id,
    clusterId: given.clusterId,
    mayCreate: given.mayCreate,
    founders: given.founders,
    address: given.member.address,
    listen: { host, port },
    security: { credentials: null, insecure: given.insecure ?? false },
    raft: { ...defaultRaftOptions, ...given.raft },
    segmentBytes: 4 << 20,
  },
);
if (!opened.ok) {
  console.log(JSON.stringify({ started: false, fault: opened.fault }));
  process.exit(1);
}
const { node, stop } = opened.value;
void node.ended.then((end) => console.log(JSON.stringify({ ended: end })));
console.log(JSON.stringify({ started: true }));

async function answer(command: MemberCommand): Promise<unknown> {
  switch (command.kind) {
    case "put":
      return node.propose(put(command.key, command.value));
    case "fill":
      return fill(command);
    case "get": {
      const read = await node.read("linearizable");
      return read.ok ? { ok: true, value: machine.values.get(command.key) ?? null } : read;
    }
    case "keys":
      return [...machine.values.keys()];
    case "status":
      return { ...node.status(), rssBytes: process.memoryUsage.rss(), restored: machine.restored };
    case "transfer":
      return node.transferLeadership(command.target as NodeId | null);
    case "remove":
      return node.changeMembership([{ kind: "remove", id: command.id as NodeId }]);
    case "add": {
      const { member } = command;
      return node.changeMembership([{ kind: "add-learner", member, promote: true }]);
    }
    case "load":
      return load(command);
    case "stop":
      await stop();
      return { ok: true };
  }
}

async function fill({
  count,
  bytes,
  keys = 1_000,
}: Extract<MemberCommand, { kind: "fill" }>): Promise<unknown> {
  for (let done = 0; done < count; ) {
    const many = Math.min(500, count - done);
    const commands = Array.from({ length: many }, (_, i) =>
      put(`fill${(done + i) % keys}`, "x".repeat(bytes)),
    );
    const filled = await node.proposeAll(commands);
    if (!filled.ok) return filled;
    done += many;
  }
  return { ok: true };
}

/** Each of `inFlight` callers proposes again as soon as it is answered. */
async function load(asked: Extract<MemberCommand, { kind: "load" }>): Promise<LoadResult> {
  const command = put("load", "x".repeat(asked.bytes - "load=".length));
  const latenciesMs: number[] = [];
  let failed = 0;
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  const endMs = startedMs + asked.durationMs;
  const caller = async () => {
    for (let fromMs = performance.now(); fromMs < endMs; ) {
      const result = await node.propose(command);
      const nowMs = performance.now();
      if (result.ok) latenciesMs.push(nowMs - fromMs);
      else failed++;
      fromMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: asked.inFlight }, caller));
  const tookMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    done: latenciesMs.length,
    failed,
    tookMs,
    latenciesMs,
    cpuMs: (user + system) / 1_000,
    rssBytes: process.memoryUsage.rss(),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, command } = JSON.parse(line) as {
    readonly id: number;
    readonly command: MemberCommand;
  };
  void answer(command).then((value) => {
    console.log(JSON.stringify({ id, value }));
    if (command.kind === "stop") process.exit(0);
  });
}
process.exit(0);

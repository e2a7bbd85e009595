/**
 * Agreement through three members in processes of their own, over gRPC and real files: durable
 * appends a second of 256 bytes at 1, 16, 64 and 256 in flight, beside one member alone (its log, no
 * peers) in the same run; then how long a killed leader is missed, and what a follower that catches
 * up by snapshot costs the others. Prints tables for bench/README.md.
 *
 *   node_modules/.bin/node bench/consensus.ts [--quick]
 */

import { setTimeout as delay } from "node:timers/promises";
import type { LoadResult } from "../test/support/raft/member-process.ts";
import {
  eventually,
  type MemberProcess,
  ProcessGroup,
} from "../test/support/raft/process-group.ts";
import { machine, median, percentile } from "./support/statistics.ts";

const quick = process.argv.includes("--quick");
const durationMs = quick ? 2_000 : 10_000;
const bytes = 256;

type Status = NonNullable<Awaited<ReturnType<MemberProcess["status"]>>>;

async function load(leader: MemberProcess, inFlight: number): Promise<LoadResult> {
  const asked = { kind: "load", inFlight, bytes, durationMs } as const;
  const result = await leader.ask<LoadResult>(asked);
  if (result === null || result.failed > 0) throw new Error(`writes failed: ${result?.failed}`);
  return result;
}

const perSecond = ({ done, tookMs }: LoadResult) => (done / tookMs) * 1_000;
const number = (value: number) => Math.round(value).toLocaleString("en-US");
const ms = (value: number) => value.toFixed(value < 10 ? 2 : 0);
const row = (...cells: readonly (string | number)[]) => console.log(`| ${cells.join(" | ")} |`);

async function throughput(): Promise<void> {
  const alone = await ProcessGroup.found(1);
  const three = await ProcessGroup.found(3);
  try {
    const single = await alone.leader();
    const leader = await three.leader();
    await load(leader, 16);
    console.log(
      `\nAppends of ${bytes} bytes, durable on a majority, ${durationMs / 1_000} s each\n`,
    );
    row("in flight", "alone /s", "three /s", "p50 ms", "p99 ms", "leader CPU", "leader RSS MB");
    row("---", "---", "---", "---", "---", "---", "---");
    for (const inFlight of [1, 16, 64, 256]) {
      const own = await load(single, inFlight);
      const agreed = await load(leader, inFlight);
      const { latenciesMs, cpuMs, tookMs, rssBytes } = agreed;
      row(
        inFlight,
        number(perSecond(own)),
        number(perSecond(agreed)),
        ms(percentile(latenciesMs, 0.5)),
        ms(percentile(latenciesMs, 0.99)),
        `${Math.round((100 * cpuMs) / tookMs)} %`,
        Math.round(rssBytes / 2 ** 20),
      );
    }
  } finally {
    await Promise.all([alone.end(), three.end()]);
  }
}

/** From the leader's end to the first write that another member answers. */
async function recovery(how: "killed" | "stopped"): Promise<number> {
  const group = await ProcessGroup.found(3);
  try {
    const leader = await group.leader();
    await leader.put("k", "1");
    const other = [...group.processes.values()].find((each) => each !== leader);
    if (other === undefined) throw new Error("no follower");
    const startedMs = performance.now();
    if (how === "killed") leader.child.kill("SIGKILL");
    else void leader.ask({ kind: "stop" });
    if (how === "killed") await leader.kill("SIGKILL");
    for (;;) {
      const answer = await other.put("again", "1");
      if (answer?.ok === true) return performance.now() - startedMs;
    }
  } finally {
    await group.end();
  }
}

async function recoveries(): Promise<void> {
  const rounds = quick ? 3 : 20;
  console.log(`\nA new write after the leader's end, ${rounds} times each\n`);
  row("leader", "median ms", "slowest ms");
  row("---", "---", "---");
  for (const how of ["killed", "stopped"] as const) {
    const tookMs: number[] = [];
    for (let round = 0; round < rounds; round++) tookMs.push(await recovery(how));
    row(how, ms(median(tookMs)), ms(Math.max(...tookMs)));
  }
}

async function catchUp(): Promise<void> {
  const group = await ProcessGroup.found(3, { raft: { snapshotEveryBytes: 8 << 20 } });
  try {
    const leader = await group.leader();
    const away = [...group.processes.values()].find((each) => each !== leader);
    if (away === undefined) throw new Error("no follower");
    const before = await load(leader, 64);
    await away.kill("SIGKILL");
    const count = quick ? 20_000 : 100_000;
    await leader.ask({ kind: "fill", count, bytes });
    const startedMs = performance.now();
    const back = await group.start(away.member.id);
    const during = load(leader, 64);
    const caughtUp = await eventually(
      "it has caught up",
      async () => {
        const status: Status | null = await back.status();
        return status !== null && status.appliedIndex >= count && status;
      },
      120_000,
    );
    const tookMs = performance.now() - startedMs;
    const served = perSecond(await during);
    console.log(`\nA follower that was down for ${number(count)} entries\n`);
    row("caught up after ms", "by snapshot", "served meanwhile", "its RSS MB");
    row("---", "---", "---", "---");
    row(
      number(tookMs),
      caughtUp.restored > 0 ? "yes" : "no",
      `${Math.round((100 * served) / perSecond(before))} % of before`,
      Math.round(caughtUp.rssBytes / 2 ** 20),
    );
    await delay(100);
  } finally {
    await group.end();
  }
}

console.log(machine());
await throughput();
await recoveries();
await catchUp();

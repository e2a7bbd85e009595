/**
 * Agreement through three members in processes of their own, over gRPC and real files: durable
 * appends a second of 256 bytes at 1, 16, 64 and 256 in flight, beside one member alone (its log, no
 * peers) in the same run; then how long a killed leader is missed, and what a follower that catches
 * up by snapshot costs the others. Prints tables for bench/README.md; some five minutes, or one with
 * `--quick`.
 *
 *   node_modules/.bin/node bench/consensus.ts [--quick] [--only=throughput|recoveries|catch-up]
 */

import { setTimeout as delay } from "node:timers/promises";
import type { LoadResult } from "../test/support/raft/member-process.ts";
import {
  type MemberProcess,
  ProcessGroup,
  type Refusable,
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

/** The aim: at 64 and more in flight 20,000 a second, or half of what one alone does if that is less. */
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
    row("in flight", "alone /s", "three /s", "of aim", "p50 ms", "p99 ms", "leader CPU", "RSS MB");
    row("---", "---", "---", "---", "---", "---", "---", "---");
    for (const inFlight of [1, 16, 64, 256]) {
      const own = await load(single, inFlight);
      const agreed = await load(leader, inFlight);
      const { latenciesMs, cpuMs, tookMs, rssBytes } = agreed;
      row(
        inFlight,
        number(perSecond(own)),
        number(perSecond(agreed)),
        `${Math.round((100 * perSecond(agreed)) / Math.min(20_000, perSecond(own) / 2))} %`,
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

/** Entries agreed on a second, as its leader sees it, until `over` says so. */
async function rateUntil(leader: MemberProcess, over: () => Promise<boolean>): Promise<number> {
  const [fromMs, from] = [performance.now(), await statusOf(leader)];
  while (!(await over()));
  const to = await statusOf(leader);
  return ((to.commitIndex - from.commitIndex) * 1_000) / (performance.now() - fromMs);
}

async function statusOf(member: MemberProcess): Promise<Status> {
  const status = await member.status();
  if (status === null) throw new Error(`${member.member.id} is gone`);
  return status;
}

/**
 * Stopped, not killed: what a process costs that starts on the same machine is no matter of
 * agreement. What is served meanwhile stands beside what three in step serve, and two alone.
 */
async function catchUp(): Promise<void> {
  const group = await ProcessGroup.found(3, { raft: { snapshotEveryBytes: 8 << 20 } });
  try {
    const leader = await group.leader();
    const away = [...group.processes.values()].find((each) => each !== leader);
    if (away === undefined) throw new Error("no follower");
    await load(leader, 64);
    const three = perSecond(await load(leader, 64));
    away.child.kill("SIGSTOP");
    const count = quick ? 20_000 : 100_000;
    const filled = await leader.ask<Refusable>({ kind: "fill", count, bytes, keys: count });
    if (filled?.ok !== true) throw new Error(`not filled: ${filled?.fault?.message}`);
    // Beyond what is kept behind a snapshot, and until the last of those is written.
    await load(leader, 64);
    // Until the group ends.
    void leader.ask({ kind: "load", inFlight: 64, bytes, durationMs: 600_000 });
    const untilMs = performance.now() + durationMs;
    const two = await rateUntil(leader, async () => {
      await delay(100);
      return performance.now() > untilMs;
    });
    const startedMs = performance.now();
    away.child.kill("SIGCONT");
    const served = await rateUntil(leader, async () => {
      await delay(20);
      const [ahead, behind] = [await statusOf(leader), await statusOf(away)];
      return behind.restored > 0 && ahead.commitIndex - behind.appliedIndex < 1_000;
    });
    const tookMs = performance.now() - startedMs;
    const [itself, ofLeader] = [await statusOf(away), await statusOf(leader)];
    console.log(`\nA follower that missed ${number(count)} entries and what came after\n`);
    row("back by snapshot after ms", "three /s", "two /s", "meanwhile /s", "of three", "RSS MB");
    row("---", "---", "---", "---", "---", "---");
    row(
      number(tookMs),
      number(three),
      number(two),
      number(served),
      `${Math.round((100 * served) / three)} %`,
      `${Math.round(itself.rssBytes / 2 ** 20)}, leader ${Math.round(ofLeader.rssBytes / 2 ** 20)}`,
    );
  } finally {
    await group.end();
  }
}

console.log(machine());
const only = process.argv.find((each) => each.startsWith("--only="))?.slice("--only=".length);
const parts = { throughput, recoveries, "catch-up": catchUp };
for (const [name, part] of Object.entries(parts)) if ((only ?? name) === name) await part();

/**
 * The Raft log alone: durable 256-byte entries a second with 1, 64 and 256 writes in flight, beside
 * LevelDB with `sync: true` on the same disk in the same run. Each contender runs in a process of its
 * own, in turns, so that neither profits from the other's memory or from a quiet moment.
 *
 *     node_modules/.bin/node bench/consensus-log.ts [folder] [seconds per round]
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Level } from "level";
import { seededRandom, silentLogger } from "../src/base/index.ts";
import { asTerm } from "../src/consensus/index.ts";
import { SegmentedLog } from "../src/consensus/io/index.ts";
import { systemClock } from "../src/node/system-clock.ts";
import { machine, median, percentile } from "./support/statistics.ts";

const entryBytes = 256;
const rounds = 3;
const inFlightCounts = [1, 64, 256];
const compactEvery = 50_000;

interface Contender {
  write(index: number): Promise<void>;
  close(): Promise<void>;
}

interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuRatio: number;
  readonly rssBytes: number;
}

const contenders = {
  "Raft log": openRaftLog,
  "level, sync": openLevel,
};
type ContenderName = keyof typeof contenders;

const [, , mode, ...rest] = process.argv;
if (mode === "inside") await runInside(rest);
else runAll(mode ?? tmpdir(), Number(rest[0] ?? 3));

function runAll(parent: string, seconds: number): void {
  console.log(`${machine()}; ${rounds} rounds of ${seconds} s each; medians\n`);
  console.log("| in flight | contender | entries/s | p50 ms | p99 ms | CPU | RSS MB |");
  console.log("|---|---|---|---|---|---|---|");
  for (const inFlight of inFlightCounts) {
    const figures = new Map<ContenderName, Figures[]>();
    for (let round = 0; round < rounds; round++) {
      for (const name of Object.keys(contenders) as ContenderName[]) {
        const measured = runOne(name, parent, inFlight, seconds);
        figures.set(name, [...(figures.get(name) ?? []), measured]);
      }
    }
    for (const [name, each] of figures) printRow(inFlight, name, each);
  }
}

function printRow(inFlight: number, name: string, figures: readonly Figures[]): void {
  const of = (field: keyof Figures) => median(figures.map((each) => each[field]));
  const latency = `${of("p50Ms").toFixed(2)} | ${of("p99Ms").toFixed(2)}`;
  const cost = `${(100 * of("cpuRatio")).toFixed(0)} % | ${(of("rssBytes") / 2 ** 20).toFixed(0)}`;
  console.log(`| ${inFlight} | ${name} | ${of("perSecond").toFixed(0)} | ${latency} | ${cost} |`);
}

function runOne(name: string, parent: string, inFlight: number, seconds: number): Figures {
  const folder = mkdtempSync(join(parent, "meshmend-bench-"));
  try {
    const numbers = [String(inFlight), String(seconds)];
    const command = ["--no-warnings", import.meta.filename, "inside", name, folder, ...numbers];
    return JSON.parse(execFileSync(process.execPath, command, { encoding: "utf8" })) as Figures;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function runInside([name, folder, inFlight, seconds]: string[]): Promise<void> {
  const contender = await contenders[name as ContenderName](folder ?? "");
  let next = 1;
  const client = async (untilMs: number, tookMs: number[]) => {
    while (performance.now() < untilMs) {
      const startedMs = performance.now();
      await contender.write(next++);
      tookMs.push(performance.now() - startedMs);
    }
  };
  const measure = async (durationMs: number) => {
    const tookMs: number[] = [];
    const untilMs = performance.now() + durationMs;
    await Promise.all(Array.from({ length: Number(inFlight) }, () => client(untilMs, tookMs)));
    return tookMs;
  };
  await measure(500);
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const tookMs = await measure(Number(seconds) * 1_000);
  const elapsedMs = performance.now() - startedMs;
  const used = process.cpuUsage(cpu);
  const figures: Figures = {
    perSecond: (tookMs.length * 1_000) / elapsedMs,
    p50Ms: median(tookMs),
    p99Ms: percentile(tookMs, 0.99),
    cpuRatio: (used.user + used.system) / 1_000 / elapsedMs,
    rssBytes: process.memoryUsage.rss(),
  };
  await contender.close();
  console.log(JSON.stringify(figures));
}

/** Compacted now and then, as a node does, so that its segments are used again. */
async function openRaftLog(folder: string): Promise<Contender> {
  const parts = { clock: systemClock, random: seededRandom(1), logger: silentLogger };
  const owner = { clusterId: "bench", nodeId: "bench", mayCreate: true };
  const log = new SegmentedLog(parts, { folder, ...owner });
  const recovered = await log.recover(null);
  if (!recovered.ok) throw new Error(recovered.fault.message);
  const command = new Uint8Array(entryBytes).fill(7);
  const term = asTerm(1);
  const membership = { voters: [], outgoing: null, learners: [] };
  return {
    async write(index) {
      await log.write({ hardState: null, entries: [{ index, term, kind: "command", command }] });
      if (index % compactEvery !== 0) return;
      const upTo = { index: index - 1_000, term };
      await log.compact(upTo, { ...upTo, membership });
    },
    close: () => log.stop(),
  };
}

async function openLevel(folder: string): Promise<Contender> {
  const database = new Level<Buffer, Buffer>(folder, {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
  });
  await database.open();
  const value = Buffer.alloc(entryBytes, 7);
  // Not among the options `level` declares, which are those of every platform it runs on.
  const options = { sync: true } as object;
  return {
    write(index) {
      const key = Buffer.alloc(8);
      key.writeBigUInt64BE(BigInt(index));
      return database.put(key, value, options);
    },
    close: () => database.close(),
  };
}

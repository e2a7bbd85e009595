/**
 * How many commands a second the store applies by itself, without log and network: batches of puts
 * of 256 bytes to a store on LevelDB, and to one in memory; then what it takes to read a full store
 * back at the start. Beside it the same bytes put into LevelDB in batches as large, which is what
 * any store on it has to pay.
 *
 *     node_modules/.bin/node bench/kvstore-apply.ts [puts]
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { silentLogger } from "../src/base/index.ts";
import {
  type AppliedEntry,
  defaultKvOptions,
  encodeCommand,
  KvStateMachine,
  type KvStorage,
  putRequest,
  type StorageWrite,
} from "../src/kvstore/index.ts";
import { MemoryStorage, openLevelStorage } from "../src/kvstore/io/index.ts";
import { systemClock } from "../src/node/index.ts";
import { machine, percentile } from "./support/statistics.ts";

const puts = Number(process.argv[2] ?? 100_000);
const batches = [1, 16, 64, 256];
const value = new Uint8Array(256).map((_, i) => i);
const keyOf = (i: number, keys: number) =>
  `bench/key-${String((i * 7919) % keys).padStart(8, "0")}`;

function entriesOf(from: number, count: number, keys: number): AppliedEntry[] {
  return Array.from({ length: count }, (_, i) => {
    const command = encodeCommand(putRequest({ key: keyOf(from + i, keys), value }));
    return { kind: "command", index: from + i + 1, term: 1, command };
  });
}

interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function measured(
  size: number,
  count: number,
  run: (from: number) => Promise<() => Promise<unknown>>,
): Promise<Figures> {
  const batchMs: number[] = [];
  for (let at = 0; at < count; at += size) {
    // Drawing up the batch is not the store's work.
    const apply = await run(at);
    const startMs = performance.now();
    await apply();
    batchMs.push(performance.now() - startMs);
  }
  const seconds = batchMs.reduce((sum, each) => sum + each, 0) / 1000;
  const p50Ms = percentile(batchMs, 0.5);
  return { perSecond: count / seconds, p50Ms, p99Ms: percentile(batchMs, 0.99) };
}

async function storeOn(storage: KvStorage): Promise<KvStateMachine> {
  const parts = { storage, clock: systemClock, logger: silentLogger };
  const store = new KvStateMachine(parts, defaultKvOptions);
  const started = await store.start();
  if (!started.ok) throw new Error(started.fault.message);
  return store;
}

async function withLevel<Value>(use: (storage: KvStorage, folder: string) => Promise<Value>) {
  const folder = await mkdtemp(join(tmpdir(), "meshmend-bench-"));
  try {
    const opened = await openLevelStorage(join(folder, "kv"));
    if (!opened.ok) throw new Error(opened.fault.message);
    return await use(opened.value, join(folder, "kv"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function row(name: string, size: number, { perSecond, p50Ms, p99Ms }: Figures): void {
  const figures = [Math.round(perSecond), p50Ms.toFixed(3), p99Ms.toFixed(3)];
  console.log(`| ${[name, size, ...figures].join(" | ")} |`);
}

console.log(`${machine()}; ${puts} puts of 256 bytes\n`);
console.log("| what | batch | a second | batch p50 ms | p99 ms |\n|---|---|---|---|---|");
for (const size of batches) {
  const count = size === 1 ? Math.min(puts, 20_000) : puts;
  const applyTo = (store: KvStateMachine) =>
    measured(size, count, async (from) => {
      const entries = entriesOf(from, size, 10_000);
      return () => store.apply(entries);
    });
  const onLevel = await withLevel(async (storage) => {
    const store = await storeOn(storage);
    const figures = await applyTo(store);
    await store.stop();
    return figures;
  });
  row("store on LevelDB", size, onLevel);
  row("store in memory", size, await applyTo(await storeOn(new MemoryStorage())));
  const bare = await withLevel(async (storage) => {
    const figures = await measured(size, count, async (from) => {
      const batch = Array.from({ length: size }, (_, i): StorageWrite => {
        const key = new Uint8Array(18);
        new DataView(key.buffer).setUint32(6, from + i);
        return { type: "put", key, value: new Uint8Array(300).fill(i) };
      });
      return () => storage.write(batch);
    });
    await storage.stop();
    return figures;
  });
  row("LevelDB alone", size, bare);
}

console.log("\n| keys | start s | RSS MB before | after |\n|---|---|---|---|");
await withLevel(async (storage, folder) => {
  const store = await storeOn(storage);
  for (let at = 0; at < puts; at += 1_000) await store.apply(entriesOf(at, 1_000, puts));
  await store.stop();
  const reopened = await openLevelStorage(folder);
  if (!reopened.ok) throw new Error(reopened.fault.message);
  const megabytes = () => Math.round(process.memoryUsage.rss() / 2 ** 20);
  const before = megabytes();
  const startMs = performance.now();
  const again = await storeOn(reopened.value);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(2);
  console.log(`| ${[again.status().keys, seconds, before, megabytes()].join(" | ")} |`);
  await again.stop();
});

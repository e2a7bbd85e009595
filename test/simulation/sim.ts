/**
 * Runs simulations by hand. See README.md in this folder.
 *
 *   npm run sim -- --seeds 10000           many seeds; the first failure is shrunk and traced
 *   npm run sim -- --seed 42               one seed with its full trace, the same each time
 *   npm run sim -- --seed 42 --bug lease   one seed against a copy of the core with a planted bug
 *   npm run sim -- --seeds 1000 --store    with the store on every node, and clients who use it
 */

import process from "node:process";
import { parseArgs } from "node:util";
import * as production from "../../src/consensus/index.ts";
import { coreWith, plantedBugs } from "./planted-bugs.ts";
import type { Schedule } from "./schedule.ts";
import { shrink } from "./shrink.ts";
import { nodesPerSeed, runSchedule, scheduleOf } from "./simulate.ts";
import type { Core } from "./simulated-node.ts";
import type { StoreCode } from "./store/simulated-store.ts";
import { storeBugs, storeWith } from "./store/store-bugs.ts";
import { productionStore } from "./store/store-code.ts";
import type { RunResult } from "./world.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    nodes: { type: "string", default: String(nodesPerSeed) },
    bug: { type: "string" },
    store: { type: "boolean", default: false },
    "no-shrink": { type: "boolean", default: false },
  },
});

interface Code {
  readonly core: Core;
  readonly store: StoreCode | null;
}

async function chosenCode(): Promise<Code> {
  const store = values.store ? productionStore : null;
  if (values.bug === undefined) return { core: production, store };
  const wanted = values.bug;
  const bug = (values.store ? storeBugs : plantedBugs).find(({ name }) => name.includes(wanted));
  if (bug !== undefined && values.store) return { core: production, store: await storeWith(bug) };
  if (bug !== undefined) return { core: await coreWith(bug), store };
  const known = [...plantedBugs, ...storeBugs].map(({ name }) => `  ${name}`).join("\n");
  throw new Error(`no planted bug has "${wanted}" in its name; there are\n${known}`);
}

function summary({ counts, fingerprint, simulatedMs }: RunResult): string {
  const words = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  const seconds = (simulatedMs / 1000).toFixed(1);
  return `${words.join(", ")}; ${seconds} simulated s; fingerprint ${fingerprint.toString(16)}`;
}

async function runOne({ core, store }: Code, seed: number, nodeCount: number): Promise<void> {
  const trace = (line: string) => console.log(line);
  const result = await runSchedule(core, scheduleOf(seed, nodeCount), { trace, store });
  console.log(summary(result));
  if (result.violation !== null) await fail({ core, store }, scheduleOf(seed, nodeCount), result);
  else console.log(`seed ${seed}: no violation`);
}

async function runMany(
  { core, store }: Code,
  first: number,
  count: number,
  nodeCount: number,
): Promise<void> {
  const startedMs = performance.now();
  const totals: Record<string, number> = {};
  for (let seed = first; seed < first + count; seed++) {
    const result = await runSchedule(core, scheduleOf(seed, nodeCount), { store });
    for (const [name, value] of Object.entries(result.counts)) {
      totals[name] = (totals[name] ?? 0) + value;
    }
    if (result.violation !== null) {
      await fail({ core, store }, scheduleOf(seed, nodeCount), result);
      return;
    }
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const words = Object.entries(totals).map(([name, total]) => `${name} ${total}`);
  console.log(`${count} seeds of ${nodeCount} nodes: no violation in ${seconds} s`);
  console.log(words.join(", "));
}

async function fail(
  { core, store }: Code,
  schedule: Schedule,
  { violation }: RunResult,
): Promise<void> {
  process.exitCode = 1;
  const stored = values.store ? " --store" : "";
  const again = values.bug === undefined ? "" : ` --bug "${values.bug}"`;
  console.log(`seed ${schedule.seed} breaks ${violation?.message}`);
  console.log(
    `replay: npm run sim -- --seed ${schedule.seed} --nodes ${schedule.nodeCount}${stored}${again}`,
  );
  if (values["no-shrink"]) return;
  const breaks = async (smaller: Schedule) =>
    (await runSchedule(core, smaller, { store })).violation?.property === violation?.property;
  const smallest = await shrink(schedule, breaks, 600);
  console.log(`${smallest.steps.length} of ${schedule.steps.length} steps are enough:`);
  for (const step of smallest.steps) {
    const { atMs, kind, pick, measure } = step;
    console.log(`${atMs.toFixed(3).padStart(10)} ${kind} ${pick} ${measure.toFixed(4)}`);
  }
}

const code = await chosenCode();
const nodeCount = Number(values.nodes);
if (values.seed !== undefined) await runOne(code, Number(values.seed), nodeCount);
else await runMany(code, Number(values.from), Number(values.seeds), nodeCount);

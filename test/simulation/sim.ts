/**
 * Runs simulations by hand. See README.md in this folder.
 *
 *   npm run sim -- --seeds 10000           many seeds; the first failure is shrunk and traced
 *   npm run sim -- --seed 42               one seed with its full trace, the same each time
 *   npm run sim -- --seed 42 --bug lease   one seed against a copy of the core with a planted bug
 */

import process from "node:process";
import { parseArgs } from "node:util";
import * as production from "../../src/consensus/index.ts";
import { coreWith, plantedBugs } from "./planted-bugs.ts";
import type { Schedule } from "./schedule.ts";
import { shrink } from "./shrink.ts";
import { nodesPerSeed, runSchedule, scheduleOf } from "./simulate.ts";
import type { Core } from "./simulated-node.ts";
import type { RunResult } from "./world.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    nodes: { type: "string", default: String(nodesPerSeed) },
    bug: { type: "string" },
    "no-shrink": { type: "boolean", default: false },
  },
});

async function chosenCore(): Promise<Core> {
  if (values.bug === undefined) return production;
  const wanted = values.bug;
  const bug = plantedBugs.find(({ name }) => name.includes(wanted));
  if (bug !== undefined) return coreWith(bug);
  const known = plantedBugs.map(({ name }) => `  ${name}`).join("\n");
  throw new Error(`no planted bug has "${wanted}" in its name; there are\n${known}`);
}

function summary({ counts, fingerprint, simulatedMs }: RunResult): string {
  const words = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  const seconds = (simulatedMs / 1000).toFixed(1);
  return `${words.join(", ")}; ${seconds} simulated s; fingerprint ${fingerprint.toString(16)}`;
}

function runOne(core: Core, seed: number, nodeCount: number): void {
  const result = runSchedule(core, scheduleOf(seed, nodeCount), (line) => console.log(line));
  console.log(summary(result));
  if (result.violation !== null) fail(core, scheduleOf(seed, nodeCount), result);
  else console.log(`seed ${seed}: no violation`);
}

function runMany(core: Core, first: number, count: number, nodeCount: number): void {
  const startedMs = performance.now();
  const totals: Record<string, number> = {};
  for (let seed = first; seed < first + count; seed++) {
    const result = runSchedule(core, scheduleOf(seed, nodeCount));
    for (const [name, value] of Object.entries(result.counts)) {
      totals[name] = (totals[name] ?? 0) + value;
    }
    if (result.violation !== null) {
      fail(core, scheduleOf(seed, nodeCount), result);
      return;
    }
  }
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const words = Object.entries(totals).map(([name, total]) => `${name} ${total}`);
  console.log(`${count} seeds of ${nodeCount} nodes: no violation in ${seconds} s`);
  console.log(words.join(", "));
}

function fail(core: Core, schedule: Schedule, { violation }: RunResult): void {
  process.exitCode = 1;
  const again = values.bug === undefined ? "" : ` --bug "${values.bug}"`;
  console.log(`seed ${schedule.seed} breaks ${violation?.message}`);
  console.log(
    `replay: npm run sim -- --seed ${schedule.seed} --nodes ${schedule.nodeCount}${again}`,
  );
  if (values["no-shrink"]) return;
  const breaks = (smaller: Schedule) =>
    runSchedule(core, smaller).violation?.property === violation?.property;
  const smallest = shrink(schedule, breaks, 600);
  console.log(`${smallest.steps.length} of ${schedule.steps.length} steps are enough:`);
  for (const step of smallest.steps) {
    const { atMs, kind, pick, measure } = step;
    console.log(`${atMs.toFixed(3).padStart(10)} ${kind} ${pick} ${measure.toFixed(4)}`);
  }
}

const core = await chosenCore();
const nodeCount = Number(values.nodes);
if (values.seed !== undefined) runOne(core, Number(values.seed), nodeCount);
else runMany(core, Number(values.from), Number(values.seeds), nodeCount);

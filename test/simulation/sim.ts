/**
 * `npm run sim -- --seed N` replays one seed with a trace; `--seeds 10000` runs many.
 * A failure prints its seed, shrinks, and exits with 1.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import * as core from "../../src/consensus/index.ts";
import { runSchedule, scheduleOf } from "./simulate.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "100" },
    nodes: { type: "string", default: "5" },
    from: { type: "string", default: "1" },
    trace: { type: "boolean", default: false },
  },
});

if (values.seed !== undefined) {
  const result = runSchedule(core, scheduleOf(Number(values.seed), Number(values.nodes)), (line) =>
    console.log(line),
  );
  console.log(JSON.stringify(result.counts), result.fingerprint.toString(16), result.simulatedMs);
  console.log(result.violation === null ? "no violation" : result.violation.message);
  process.exitCode = result.violation === null ? 0 : 1;
} else {
  const first = Number(values.from);
  const started = performance.now();
  const totals: Record<string, number> = {};
  for (let seed = first; seed < first + Number(values.seeds); seed++) {
    const result = runSchedule(core, scheduleOf(seed, Number(values.nodes)));
    for (const [k, v] of Object.entries(result.counts)) totals[k] = (totals[k] ?? 0) + v;
    totals["ms"] = (totals["ms"] ?? 0) + result.simulatedMs;
    if (result.violation !== null) {
      console.log(`seed ${seed}: ${result.violation.message}`);
      process.exitCode = 1;
    }
  }
  console.log(totals, `${((performance.now() - started) / 1000).toFixed(1)} s`);
}

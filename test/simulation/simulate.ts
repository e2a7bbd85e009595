/** One seed, one run, one answer. */

import { drawSchedule, type Schedule } from "./schedule.ts";
import type { Core } from "./simulated-node.ts";
import type { StoreCode } from "./store/simulated-store.ts";
import { type RunResult, type TraceSink, World } from "./world.ts";

export const stepsPerSeed = 200;
export const nodesPerSeed = 5;

export interface RunOptions {
  readonly trace?: TraceSink | null;
  readonly store?: StoreCode | null;
}

export function scheduleOf(seed: number, nodeCount = nodesPerSeed): Schedule {
  return drawSchedule(seed, nodeCount, stepsPerSeed);
}

/** With a store every node carries one, and its clients are watched as well. */
export async function runSchedule(
  core: Core,
  schedule: Schedule,
  { trace = null, store = null }: RunOptions = {},
): Promise<RunResult> {
  return await new World(core, schedule, trace, store).run();
}

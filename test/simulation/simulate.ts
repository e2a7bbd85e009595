/** One seed, one run, one answer. */

import { drawSchedule, type Schedule } from "./schedule.ts";
import type { Core } from "./simulated-node.ts";
import { type RunResult, type TraceSink, World } from "./world.ts";

export const stepsPerSeed = 200;
export const nodesPerSeed = 5;

export function scheduleOf(seed: number, nodeCount = nodesPerSeed): Schedule {
  return drawSchedule(seed, nodeCount, stepsPerSeed);
}

export function runSchedule(
  core: Core,
  schedule: Schedule,
  trace: TraceSink | null = null,
): RunResult {
  return new World(core, schedule, trace).run();
}

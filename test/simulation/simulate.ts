/** One seed, one run, one answer. */

import { drawSchedule, type Schedule } from "./schedule.ts";
import type { Core } from "./simulated-node.ts";
import { type RunResult, type TraceSink, World } from "./world.ts";

export const stepsPerSeed = 200;
export const nodesPerSeed = 5;

/** Every third seed has three nodes and every seventh one has one: small groups have cases of their own. */
export function scheduleOf(seed: number): Schedule {
  return drawSchedule(seed, nodesPerSeed, stepsPerSeed);
}

export function runSchedule(
  core: Core,
  schedule: Schedule,
  trace: TraceSink | null = null,
): RunResult {
  return new World(core, schedule, trace).run();
}

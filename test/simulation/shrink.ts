/** Makes a failing schedule smaller: leaves steps out as long as the same property still breaks. */

import type { Schedule, ScheduledStep } from "./schedule.ts";

/**
 * Tries to leave out halves, quarters and so on down to single steps (Zeller's ddmin, greedy), with
 * at most `maxRuns` runs. `fails` says whether a schedule still breaks the property in question.
 */
export async function shrink(
  schedule: Schedule,
  fails: (smaller: Schedule) => Promise<boolean>,
  maxRuns: number,
): Promise<Schedule> {
  let steps: readonly ScheduledStep[] = schedule.steps;
  let runs = 0;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < steps.length && runs < maxRuns; ) {
      const fewer = [...steps.slice(0, at), ...steps.slice(at + size)];
      runs++;
      if (await fails({ ...schedule, steps: fewer })) steps = fewer;
      else at += size;
    }
  }
  return { ...schedule, steps };
}

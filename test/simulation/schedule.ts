/**
 * What will be done to a simulated group, as plain data drawn from a seed: so a failing run can be
 * made smaller by leaving steps out. A step names its victim by a number, not by identity, since what
 * that means depends on how the world has come to look by then.
 */

import { Chance } from "./chance.ts";

export type StepKind =
  | "write"
  | "read"
  | "lease-read"
  | "crash"
  | "crash-leader"
  | "crash-all"
  | "rot"
  | "pause"
  | "isolate"
  | "isolate-leader"
  | "split"
  | "cut-one-way"
  | "slow-link"
  | "heal"
  | "lossy"
  | "calm"
  | "slow-disk"
  | "disk-full"
  | "transfer"
  | "change-membership"
  | "snapshot"
  | "priority";

export interface ScheduledStep {
  readonly atMs: number;
  readonly kind: StepKind;
  /** Two draws that the step turns into a victim and a measure. */
  readonly pick: number;
  readonly measure: number;
}

export interface Schedule {
  readonly seed: number;
  readonly nodeCount: number;
  readonly steps: readonly ScheduledStep[];
}

/** How often each kind comes up when it comes up at all. */
const weights: readonly (readonly [StepKind, number])[] = [
  ["write", 60],
  ["read", 25],
  ["lease-read", 20],
  ["crash", 8],
  ["crash-leader", 4],
  ["crash-all", 1],
  ["rot", 4],
  ["pause", 5],
  ["isolate", 5],
  ["isolate-leader", 5],
  ["split", 5],
  ["cut-one-way", 6],
  ["slow-link", 4],
  ["heal", 12],
  ["lossy", 4],
  ["calm", 4],
  ["slow-disk", 4],
  ["disk-full", 3],
  ["transfer", 5],
  ["change-membership", 8],
  ["snapshot", 5],
  ["priority", 2],
];

/** Each seed has only some kinds of trouble: a run with all of them rarely gets anywhere deep. */
export function drawSchedule(seed: number, nodeCount: number, stepCount: number): Schedule {
  const chance = new Chance(seed);
  const always: readonly StepKind[] = ["write", "read", "lease-read", "heal", "calm"];
  const kinds = weights.filter(([kind]) => always.includes(kind) || chance.happens(0.4));
  const total = kinds.reduce((sum, [, weight]) => sum + weight, 0);
  const meanPauseMs = chance.between(5, 40);
  const steps: ScheduledStep[] = [];
  // The first leader is elected meanwhile, or not.
  let atMs = chance.between(0, 500);
  while (steps.length < stepCount) {
    let at = chance.between(0, total);
    const drawn = kinds.find(([, weight]) => {
      at -= weight;
      return at < 0;
    });
    const kind = drawn?.[0] ?? "write";
    steps.push({ atMs, kind, pick: chance.random.uint32(), measure: chance.ratio() });
    atMs += chance.between(0, 2 * meanPauseMs);
  }
  return { seed, nodeCount, steps };
}

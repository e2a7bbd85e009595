/**
 * What will be done to a simulated group, as plain data drawn from a seed: so a failing run can be
 * made smaller by leaving steps out. A step names its victim by a number, not by identity, since
 * what that means depends on how the world has come to look by then.
 */

import type { RaftOptions } from "../../src/consensus/index.ts";
import { Chance } from "./chance.ts";

/** How often each kind comes up when it comes up at all. */
const weights = {
  write: 60,
  read: 25,
  "lease-read": 20,
  heal: 14,
  calm: 4,
  crash: 8,
  "crash-leader": 4,
  "crash-all": 1,
  rot: 4,
  pause: 5,
  isolate: 5,
  split: 5,
  "cut-one-way": 6,
  "slow-link": 4,
  lossy: 4,
  "slow-disk": 4,
  "disk-full": 3,
  transfer: 5,
  "change-membership": 8,
  snapshot: 5,
  priority: 2,
  // Several moves that belong together, as an adversary would make them; see plots.ts.
  "depose-leaders": 3,
  "stalk-leader": 3,
  "hand-over-and-cut": 3,
  "bridge-and-restart": 3,
  "forget-and-depose": 2,
  "change-in-minority": 3,
  "dwindle-to-one": 2,
};

export type StepKind = keyof typeof weights;

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
  readonly options: RaftOptions;
  readonly steps: readonly ScheduledStep[];
}

const always: readonly StepKind[] = ["write", "read", "lease-read", "heal", "calm"];

/** Each seed has only some kinds of trouble: a run with all of them rarely gets anywhere deep. */
export function drawSchedule(seed: number, nodeCount: number, stepCount: number): Schedule {
  const chance = new Chance(seed);
  const options = drawOptions(chance);
  const kinds = (Object.entries(weights) as [StepKind, number][]).filter(
    ([kind]) => always.includes(kind) || chance.happens(0.35),
  );
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
  return { seed, nodeCount, options, steps };
}

/** Small numbers, so that every limit is met within a few seconds of simulated time. */
function drawOptions(chance: Chance): RaftOptions {
  const oneOf = (...values: readonly number[]) => values[chance.below(values.length)] ?? 1;
  return {
    heartbeatMs: 20,
    electionTimeoutMs: 120,
    maxClockDriftRatio: 0.1,
    priority: 100,
    maxAppendBytes: oneOf(64, 256, 4096),
    maxAppendEntries: oneOf(1, 2, 8, 64),
    maxInflightMessages: oneOf(1, 2, 4, 16),
    maxInflightBytes: oneOf(128, 1024, 8192),
    maxUncommittedBytes: oneOf(512, 2048, 8192),
    maxApplyBytes: oneOf(64, 512, 8192),
    maxPendingReads: oneOf(4, 64),
    readTimeoutMs: 200,
    snapshotChunkBytes: oneOf(8, 24, 200),
    snapshotEveryBytes: oneOf(512, 2048, 16_384),
    retainedEntries: oneOf(0, 2, 6, 30),
  };
}

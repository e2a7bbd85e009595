/** What is known of a repair from one step to the next, and how a step is written down. */

import type { Decision, DecisionPhase, VerdictOutcome } from "../decision.ts";

export interface Repair {
  readonly decision: Decision;
  readonly startedMs: number;
  /** Monotonic; until then a person must have answered, or the repair shown that it helped. */
  readonly deadlineMs: number;
  /** Beats in a row that speak for it: the proof held; when it is held, that its cause has passed. */
  readonly quietBeats: number;
  /** Why it is taken back, once it is. */
  readonly failure: { readonly outcome: VerdictOutcome; readonly reason: string } | null;
}

export interface Now {
  readonly atMs: number;
  readonly wallMs: number;
}

/** What is to be done in the world next. */
export type RepairEffect = "apply" | "undo" | "close" | null;

export interface RepairStep {
  readonly repair: Repair;
  readonly effect: RepairEffect;
}

/** Entries of a timeline; what is left out when a decision lives through many restarts is its middle. */
const maxTimeline = 32;

export function moved(repair: Repair, phase: DecisionPhase, what: string, now: Now): Repair {
  const before = repair.decision.timeline;
  const kept =
    before.length < maxTimeline ? before : before.toSpliced(1, 1 + before.length - maxTimeline);
  const timeline = [...kept, { wallMs: now.wallMs, what }];
  return { ...repair, decision: { ...repair.decision, phase, timeline } };
}

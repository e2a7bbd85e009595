/** All that the loop knows from one beat to the next, and the first of it. */

import type { NodeId } from "../../base/index.ts";
import type { HandledKind } from "../action.ts";
import type { Thresholds } from "../analyze/detector.ts";
import type { Tracks } from "../analyze/symptom-tracker.ts";
import type { DecisionId, Mode } from "../decision.ts";
import type { Repair } from "../execute/repair-state.ts";
import { freshGuard, type GuardOptions, type GuardState } from "../guard/guard.ts";
import type { PlanOptions } from "../plan/plan-repair.ts";
import type { Finding, SymptomKey } from "../symptom.ts";

export interface LoopPolicy {
  readonly node: NodeId;
  readonly mode: Mode;
  readonly thresholds: Thresholds;
  readonly plan: PlanOptions;
  readonly guard: GuardOptions;
  /** Symptoms followed at once; what comes after is counted and left out. */
  readonly maxSymptoms: number;
  /** New decisions a beat; the rest comes in the next. */
  readonly maxDecisionsPerBeat: number;
  /** What this machine can carry out. */
  readonly actionKinds: ReadonlySet<HandledKind>;
}

/** Why a symptom has no open repair; keeps one symptom from becoming a stream of decisions. */
export interface Settlement {
  /** What is on record about this symptom already: refusal codes, and the severities it was told at. */
  readonly recorded: readonly string[];
  /** Nothing more will be decided about it until it has cleared. */
  readonly final: boolean;
}

export interface LoopState {
  readonly tracks: Tracks;
  readonly findings: readonly Finding[];
  readonly repairs: ReadonlyMap<DecisionId, Repair>;
  readonly settled: ReadonlyMap<SymptomKey, Settlement>;
  readonly guard: GuardState;
  readonly journalReady: boolean;
  /** Findings that did not fit, since the start. */
  readonly droppedFindings: number;
}

export const freshState: LoopState = {
  tracks: new Map(),
  findings: [],
  repairs: new Map(),
  settled: new Map(),
  guard: freshGuard,
  journalReady: true,
  droppedFindings: 0,
};

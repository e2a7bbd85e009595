/**
 * The record of one decision, from the symptom to the verdict. It is what `meshmend explain`
 * prints and what is kept on disk: everything a reader needs to understand it stands in it.
 */

import type { Brand, NodeId } from "../base/index.ts";
import type { Action } from "./action.ts";
import type { Evidence, Symptom, SymptomKey } from "./symptom.ts";

/** `observe` only plans, `confirm` asks a person first, `act` repairs. */
export type Mode = "observe" | "confirm" | "act";

/** Time-ordered text (ULID): sorting by id is sorting by time. */
export type DecisionId = Brand<string, "DecisionId">;

/** How a repair is judged: the symptom must stay away for `quietBeats`, within `withinMs`. */
export interface Expectation {
  readonly symptom: SymptomKey;
  readonly withinMs: number;
  readonly quietBeats: number;
}

export interface Alternative {
  readonly action: Action | null;
  readonly rejectedBecause: string;
}

export interface Plan {
  readonly reason: string;
  readonly actions: readonly Action[];
  /** Takes the actions back, in this order. */
  readonly undo: readonly Action[];
  readonly expectedGain: string;
  readonly expectation: Expectation;
  readonly alternatives: readonly Alternative[];
}

export type RefusalCode =
  | "E_COOL_DOWN"
  | "E_BUDGET_SPENT"
  | "E_REPAIR_UNDER_WAY"
  | "E_LAST_PATH"
  | "E_NO_CAPABILITY"
  | "E_JOURNAL_UNAVAILABLE"
  | "E_CONFIRMATION_DENIED"
  | "E_CONFIRMATION_EXPIRED";

export type Admission =
  | { readonly kind: "admitted" }
  /** Mode `observe`: planned and recorded, not carried out. */
  | { readonly kind: "observed" }
  | { readonly kind: "awaiting-confirmation"; readonly expiresWallMs: number }
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly reason: string };

export type VerdictOutcome =
  /** The symptom went away and stayed away. */
  | "healed"
  /** It did not, and the action was taken back. */
  | "undone"
  /** It did not, and was not taken back, for the undo failed or would do harm: somebody must look. */
  | "undo-failed"
  /** The action could not be applied. */
  | "not-applied"
  /** Nothing to judge: the action only told. */
  | "told";

export function isClosed(decision: Decision): boolean {
  return decision.phase === "closed";
}

export interface Verdict {
  readonly outcome: VerdictOutcome;
  readonly reason: string;
  /** The symptom's evidence when the decision was made. */
  readonly before: readonly Evidence[];
  /** The same, when it was judged; empty when the symptom was not found. */
  readonly after: readonly Evidence[];
  readonly wallMs: number;
  /** From the decision to the verdict. */
  readonly tookMs: number;
}

/** `closed` is final; the others are under way, and a restart takes them up again. */
export type DecisionPhase = "waiting" | "applying" | "verifying" | "undoing" | "closed";

export interface TimelineEntry {
  readonly wallMs: number;
  readonly what: string;
}

export interface Decision {
  readonly id: DecisionId;
  readonly node: NodeId;
  readonly mode: Mode;
  readonly madeWallMs: number;
  readonly beat: number;
  readonly symptom: Symptom;
  readonly plan: Plan;
  readonly admission: Admission;
  readonly phase: DecisionPhase;
  readonly verdict: Verdict | null;
  /** What happened to it, oldest first; at most a few dozen entries, its middle left out. */
  readonly timeline: readonly TimelineEntry[];
}

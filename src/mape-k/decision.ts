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

/**
 * What proves a repair. `symptom-gone`: the cause itself. `traffic-moved`: the cause may last, but no
 * traffic suffers from it any more.
 */
export type Proof = "symptom-gone" | "traffic-moved";

/** How a repair is judged: the proof must hold for `quietBeats`, within `withinMs`. */
export interface Expectation {
  readonly symptom: SymptomKey;
  readonly proof: Proof;
  readonly withinMs: number;
  readonly quietBeats: number;
}

export interface Alternative {
  readonly action: Action | null;
  readonly rejectedBecause: string;
}

/**
 * A repair that works only as long as it is in force: a way around the trouble. Once proven it is
 * held, and withdrawn when its symptom has stayed away for so many beats in a row.
 */
export interface Standing {
  readonly releaseBeats: number;
}

export interface Plan {
  readonly reason: string;
  readonly actions: readonly Action[];
  /**
   * Takes the actions back, in this order. Of a setting it is what was seen when the plan was made; once
   * applied, what was read right before.
   */
  readonly undo: readonly Action[];
  readonly expectedGain: string;
  readonly expectation: Expectation;
  /** Null: what it did stays done. */
  readonly standing: Standing | null;
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

/** `closed` is final; the others are not over, and a restart takes them up again. */
export type DecisionPhase =
  | "waiting"
  | "applying"
  | "verifying"
  | "undoing"
  /** Proven, and in force until its cause has passed. */
  | "holding"
  | "withdrawing"
  | "closed";

/** Phases in which a repair keeps other disruptive ones waiting. */
export function isUnderWay({ phase }: Decision): boolean {
  return phase !== "closed" && phase !== "holding";
}

/** Applied, and not yet about to be taken back. */
export function isInForce({ phase }: Decision): boolean {
  return phase === "verifying" || phase === "holding";
}

export type WithdrawalOutcome =
  /** Its cause had passed, and what was there before was restored. */
  | "withdrawn"
  /** Somebody else had changed the setting meanwhile; it was left alone. */
  | "superseded"
  /** What it was about does not exist any more. */
  | "vanished";

/** How a standing repair ended: the record beside the verdict, which says how it began. */
export interface Withdrawal {
  readonly outcome: WithdrawalOutcome;
  readonly reason: string;
  readonly wallMs: number;
  /** From the verdict to the end. */
  readonly heldMs: number;
}

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
  /** Of a standing repair that was withdrawn; null for all others. */
  readonly withdrawal: Withdrawal | null;
  /** What happened to it, oldest first; at most a few dozen entries, its middle left out. */
  readonly timeline: readonly TimelineEntry[];
}

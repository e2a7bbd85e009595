/**
 * The loop as a pure function: state and input in, state and effects out. One beat's observation
 * runs through analyze, plan and guard; what the world reports back about a repair (applied, undone,
 * confirmed, found open after a crash) moves that repair on.
 */

import { type Fault, type Result, unreachable } from "../../base/index.ts";
import { analyze } from "../analyze/analyze.ts";
import { trackSymptoms } from "../analyze/symptom-tracker.ts";
import type { Admission, Decision, DecisionId, DecisionPhase, Plan } from "../decision.ts";
import type { LoopEvent } from "../event.ts";
import {
  appliedRepair,
  beginRepair,
  confirmRepair,
  type Now,
  observeRepair,
  type RepairStep,
  resumeRepair,
  undoneRepair,
} from "../execute/repair.ts";
import { admit, book, bookRecovered } from "../guard/guard.ts";
import type { History } from "../knowledge/time-series.ts";
import type { Observation } from "../observation.ts";
import { planRepair } from "../plan/plan-repair.ts";
import { isObservable, type Symptom, symptomKey } from "../symptom.ts";
import { guardContext } from "./guard-context.ts";
import type { LoopPolicy, LoopState } from "./loop-state.ts";
import { settleClosed, settlementOf } from "./settlement.ts";

export type LoopInput =
  | { readonly kind: "observed"; readonly observation: Observation; readonly history: History }
  | { readonly kind: "applied"; readonly id: DecisionId; readonly result: Result<void, Fault> }
  | { readonly kind: "undone"; readonly id: DecisionId; readonly result: Result<void, Fault> }
  | { readonly kind: "confirmed"; readonly id: DecisionId; readonly approve: boolean }
  /** Open actions found in the crash journal at start. */
  | { readonly kind: "recovered"; readonly decisions: readonly Decision[] }
  | { readonly kind: "journal"; readonly ready: boolean };

export type LoopEffect =
  | { readonly kind: "apply" | "undo" | "close" | "record"; readonly decision: Decision }
  | { readonly kind: "announce"; readonly event: LoopEvent };

export interface StepParts {
  readonly policy: LoopPolicy;
  /** Chance as an argument: a fresh time-ordered id. */
  readonly nextId: () => DecisionId;
  /** Told when a phase of a beat ends; for measurements only. */
  readonly onPhase: (phase: "analyze" | "plan" | "guard") => void;
}

export interface LoopStep {
  readonly state: LoopState;
  readonly effects: readonly LoopEffect[];
}

export function step(state: LoopState, input: LoopInput, now: Now, parts: StepParts): LoopStep {
  switch (input.kind) {
    case "observed":
      return observe(state, input.observation, input.history, parts);
    case "applied":
    case "undone":
    case "confirmed":
      return moveRepair(state, input, now);
    case "recovered":
      return recover(state, input.decisions, now);
    case "journal":
      return { state: { ...state, journalReady: input.ready }, effects: [] };
    default:
      return unreachable(input);
  }
}

function observe(
  before: LoopState,
  observation: Observation,
  history: History,
  parts: StepParts,
): LoopStep {
  const { policy } = parts;
  const { tracks } = before;
  const isActive = (kind: Symptom["kind"], subject: Symptom["subject"]) =>
    (tracks.get(symptomKey({ kind, subject }))?.symptom ?? null) !== null;
  const findings = analyze({ observation, history, isActive }, policy.thresholds);
  const tracking = trackSymptoms(tracks, findings, observation, policy.maxSymptoms);
  const effects: LoopEffect[] = [];
  for (const symptom of tracking.raised) {
    effects.push({ kind: "announce", event: { kind: "symptom-raised", symptom } });
  }
  const settled = new Map(before.settled);
  for (const { symptom, lastedMs } of tracking.cleared) {
    settled.delete(symptom.key);
    const { key } = symptom;
    effects.push({ kind: "announce", event: { kind: "symptom-cleared", key, symptom, lastedMs } });
  }
  const droppedFindings = before.droppedFindings + tracking.dropped;
  let state: LoopState = { ...before, tracks: tracking.tracks, findings, settled, droppedFindings };
  parts.onPhase("analyze");
  for (const repair of before.repairs.values()) {
    const moved = afterRepairStep(state, observeRepair(repair, findings, observation));
    state = moved.state;
    effects.push(...moved.effects);
  }
  const decided = decide(state, observation, parts);
  return { state: decided.state, effects: [...effects, ...decided.effects] };
}

function decide(before: LoopState, observation: Observation, parts: StepParts): LoopStep {
  const plans = candidates(before, observation).map((symptom) => ({
    symptom,
    plan: planRepair(symptom, observation, parts.policy.plan),
  }));
  parts.onPhase("plan");
  let state = before;
  const effects: LoopEffect[] = [];
  let left = parts.policy.maxDecisionsPerBeat;
  for (const { symptom, plan } of plans) {
    if (left === 0) break;
    const decided = decideOne(state, symptom, plan, observation, parts);
    if (decided === null) continue;
    left--;
    state = decided.state;
    effects.push(...decided.effects);
  }
  parts.onPhase("guard");
  return { state, effects };
}

/**
 * Raised symptoms that are seen in this beat, nobody works on, and about which not all is said. A
 * symptom that is held while its sensor is blind waits: a plan made blindly would be a wrong one.
 */
function candidates(state: LoopState, observation: Observation): readonly Symptom[] {
  const inRepair = new Set([...state.repairs.values()].map((r) => r.decision.symptom.key));
  const waiting: Symptom[] = [];
  for (const { symptom, absentBeats } of state.tracks.values()) {
    if (symptom === null || absentBeats > 0 || inRepair.has(symptom.key)) continue;
    if (!isObservable(symptom, observation)) continue;
    if (state.settled.get(symptom.key)?.final !== true) waiting.push(symptom);
  }
  return waiting;
}

/** Null when there is nothing new to say. */
function decideOne(
  state: LoopState,
  symptom: Symptom,
  plan: Plan,
  observation: Observation,
  parts: StepParts,
): LoopStep | null {
  const { policy } = parts;
  const context = guardContext(state, plan, observation, policy);
  const admission = admit(plan, state.guard, context, policy.guard);
  const settlement = settlementOf(state, symptom, plan, admission);
  if (settlement === null) return null;
  const decision: Decision = {
    id: parts.nextId(),
    node: policy.node,
    mode: policy.mode,
    madeWallMs: observation.wallMs,
    beat: observation.beat,
    symptom,
    plan,
    admission,
    phase: firstPhase[admission.kind],
    verdict: null,
    timeline: [{ wallMs: observation.wallMs, what: describeAdmission(admission) }],
  };
  const settled = new Map(state.settled).set(symptom.key, settlement);
  const made: LoopEffect = { kind: "announce", event: { kind: "decision-made", decision } };
  if (admission.kind === "observed" || admission.kind === "refused") {
    return { state: { ...state, settled }, effects: [made, { kind: "record", decision }] };
  }
  const guard =
    admission.kind === "admitted" ? book(plan, state.guard, observation.atMs) : state.guard;
  const begun = beginRepair(decision, observation);
  const next = afterRepairStep({ ...state, settled, guard }, begun);
  return { state: next.state, effects: [made, ...next.effects] };
}

const firstPhase: Readonly<Record<Admission["kind"], DecisionPhase>> = {
  admitted: "applying",
  observed: "closed",
  "awaiting-confirmation": "waiting",
  refused: "closed",
};

function describeAdmission(admission: Admission): string {
  switch (admission.kind) {
    case "admitted":
      return "admitted by the guard";
    case "observed":
      return "planned only: the mode is observe";
    case "awaiting-confirmation":
      return "waits for a person: the mode is confirm";
    case "refused":
      return `refused by the guard (${admission.code}): ${admission.reason}`;
    default:
      return unreachable(admission);
  }
}

type RepairInput = Extract<LoopInput, { readonly kind: "applied" | "undone" | "confirmed" }>;

function moveRepair(state: LoopState, input: RepairInput, now: Now): LoopStep {
  const repair = state.repairs.get(input.id);
  if (repair === undefined) return { state, effects: [] };
  switch (input.kind) {
    case "applied":
      return afterRepairStep(state, appliedRepair(repair, input.result, state.findings, now));
    case "undone":
      return afterRepairStep(state, undoneRepair(repair, input.result, state.findings, now));
    case "confirmed": {
      if (repair.decision.phase !== "waiting") return { state, effects: [] };
      const moved = confirmRepair(repair, input.approve, now);
      const begun = moved.repair.decision.phase === "applying";
      const guard = begun ? book(repair.decision.plan, state.guard, now.atMs) : state.guard;
      return afterRepairStep({ ...state, guard }, moved);
    }
    default:
      return unreachable(input);
  }
}

/** Puts a moved repair back (or takes a closed one out) and says what follows from the move. */
function afterRepairStep(before: LoopState, { repair, effect }: RepairStep): LoopStep {
  const { decision } = repair;
  const known = before.repairs.get(decision.id);
  const repairs = new Map(before.repairs);
  const effects: LoopEffect[] = [];
  if (known?.decision !== decision) {
    effects.push({ kind: "record", decision });
    const kind = decision.verdict !== null ? "verdict" : "decision-changed";
    if (known !== undefined) effects.push({ kind: "announce", event: { kind, decision } });
  }
  if (effect !== null) effects.push({ kind: effect, decision });
  if (effect !== "close") {
    repairs.set(decision.id, repair);
    return { state: { ...before, repairs }, effects };
  }
  repairs.delete(decision.id);
  return { state: { ...before, repairs, settled: settleClosed(before, decision) }, effects };
}

function recover(before: LoopState, decisions: readonly Decision[], now: Now): LoopStep {
  let state = before;
  const effects: LoopEffect[] = [];
  for (const decision of decisions) {
    const { symptom } = decision;
    const tracks = new Map(state.tracks).set(symptom.key, {
      finding: symptom,
      symptom,
      raisedAtMs: now.atMs,
      seenBeats: 1,
      absentBeats: 0,
    });
    const madeMs = now.atMs - Math.max(0, now.wallMs - decision.madeWallMs);
    const guard = bookRecovered(decision.plan, state.guard, madeMs);
    const resumed = afterRepairStep({ ...state, tracks, guard }, resumeRepair(decision, now));
    state = resumed.state;
    effects.push(...resumed.effects);
  }
  return { state, effects };
}

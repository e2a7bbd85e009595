/**
 * The life of one decision after the guard: wait for a person, apply, verify, undo, close. Pure:
 * each step takes the repair and what happened, and returns the repair and what to do next.
 */

import type { Fault, Result } from "../../base/index.ts";
import { describeAction, isDisruptive } from "../action.ts";
import { isStillFound } from "../analyze/symptom-tracker.ts";
import type { Decision, DecisionPhase, VerdictOutcome } from "../decision.ts";
import type { Observation } from "../observation.ts";
import { type Evidence, type Finding, isObservable, symptomKey } from "../symptom.ts";

export interface Repair {
  readonly decision: Decision;
  readonly startedMs: number;
  /** Monotonic; until then the repair must have shown that it helped. */
  readonly deadlineMs: number;
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

export function beginRepair(decision: Decision, now: Now): RepairStep {
  const repair = {
    decision,
    startedMs: now.atMs,
    deadlineMs: Number.POSITIVE_INFINITY,
    quietBeats: 0,
    failure: null,
  };
  if (decision.phase === "waiting") return { repair, effect: null };
  return {
    repair: moved(repair, "applying", "applied by the guard's leave", now),
    effect: "apply",
  };
}

/**
 * Takes up a decision that was open when the process before this one ended. If it had been applied
 * it gets its whole time to prove itself; if that is not certain, it has to show it at once.
 */
export function resumeRepair(found: Decision, now: Now): RepairStep {
  const certain = found.phase === "verifying";
  const repair: Repair = {
    decision: found,
    startedMs: now.atMs - Math.max(0, now.wallMs - found.madeWallMs),
    deadlineMs: certain ? now.atMs + found.plan.expectation.withinMs : now.atMs,
    quietBeats: 0,
    failure: certain
      ? null
      : { outcome: "undone", reason: "the process ended while the action was under way" },
  };
  const how = `found open after a restart, in phase ${found.phase}; looking whether it helped`;
  return { repair: moved(repair, "verifying", how, now), effect: null };
}

export function confirmRepair(repair: Repair, approve: boolean, now: Now): RepairStep {
  if (!approve) return refuse(repair, "E_CONFIRMATION_DENIED", "a person said no", now);
  const decision: Decision = { ...repair.decision, admission: { kind: "admitted" } };
  const approved = { ...repair, decision, startedMs: now.atMs };
  return { repair: moved(approved, "applying", "confirmed by a person", now), effect: "apply" };
}

/** Judges a repair by one beat: what was found in it, and what it could have shown. */
export function observeRepair(
  repair: Repair,
  findings: readonly Finding[],
  now: Observation,
): RepairStep {
  const { decision } = repair;
  if (decision.phase === "waiting") {
    const { admission } = decision;
    return admission.kind === "awaiting-confirmation" && now.wallMs >= admission.expiresWallMs
      ? refuse(repair, "E_CONFIRMATION_EXPIRED", "nobody answered in time", now)
      : { repair, effect: null };
  }
  if (decision.phase !== "verifying") return { repair, effect: null };
  const observable = isObservable(decision.symptom.kind, now);
  if (observable && !isStillFound(decision.symptom, findings)) {
    const quietBeats = repair.quietBeats + 1;
    return quietBeats >= decision.plan.expectation.quietBeats
      ? close({ ...repair, quietBeats }, "healed", "the symptom went away and stayed away", [], now)
      : { repair: { ...repair, quietBeats }, effect: null };
  }
  const noisy = { ...repair, quietBeats: 0 };
  if (now.atMs < repair.deadlineMs) return { repair: noisy, effect: null };
  const seconds = decision.plan.expectation.withinMs / 1000;
  const failure = repair.failure ?? {
    outcome: "undone",
    reason: observable
      ? `the symptom was still there after ${seconds} s`
      : `nobody could see within ${seconds} s whether it helped`,
  };
  return takeBack({ ...noisy, failure }, now);
}

export function appliedRepair(repair: Repair, result: Result<void, Fault>, now: Now): RepairStep {
  const { plan } = repair.decision;
  if (!result.ok) {
    const reason = `${result.fault.message}${result.fault.remedy ? `; ${result.fault.remedy}` : ""}`;
    return takeBack({ ...repair, failure: { outcome: "not-applied", reason } }, now);
  }
  if (!plan.actions.some(isDisruptive)) return close(repair, "told", "it was told", [], now);
  const deadlineMs = now.atMs + plan.expectation.withinMs;
  const what = `applied: ${plan.actions.map(describeAction).join("; ")}`;
  return { repair: moved({ ...repair, deadlineMs }, "verifying", what, now), effect: null };
}

export function undoneRepair(
  repair: Repair,
  result: Result<void, Fault>,
  findings: readonly Finding[],
  now: Now,
): RepairStep {
  const { outcome, reason } = repair.failure ?? { outcome: "undone", reason: "taken back" };
  const key = repair.decision.symptom.key;
  const after = findings.find((finding) => symptomKey(finding) === key)?.evidence ?? [];
  if (result.ok) return close(repair, outcome, reason, after, now);
  const both = `${reason}; and the undo failed: ${result.fault.message}`;
  return close(repair, "undo-failed", both, after, now);
}

function takeBack(repair: Repair, now: Now): RepairStep {
  const reason = repair.failure?.reason ?? "";
  if (repair.decision.plan.undo.length === 0) {
    return close(repair, repair.failure?.outcome ?? "not-applied", reason, [], now);
  }
  return { repair: moved(repair, "undoing", `taken back: ${reason}`, now), effect: "undo" };
}

function refuse(
  repair: Repair,
  code: "E_CONFIRMATION_DENIED" | "E_CONFIRMATION_EXPIRED",
  reason: string,
  now: Now,
): RepairStep {
  const decision: Decision = { ...repair.decision, admission: { kind: "refused", code, reason } };
  return { repair: moved({ ...repair, decision }, "closed", reason, now), effect: "close" };
}

function close(
  repair: Repair,
  outcome: VerdictOutcome,
  reason: string,
  after: readonly Evidence[],
  now: Now,
): RepairStep {
  const verdict = {
    outcome,
    reason,
    before: repair.decision.symptom.evidence,
    after,
    wallMs: now.wallMs,
    tookMs: Math.round(now.atMs - repair.startedMs),
  };
  const judged: Repair = { ...repair, decision: { ...repair.decision, verdict } };
  return { repair: moved(judged, "closed", `${outcome}: ${reason}`, now), effect: "close" };
}

function moved(repair: Repair, phase: DecisionPhase, what: string, now: Now): Repair {
  const timeline = [...repair.decision.timeline, { wallMs: now.wallMs, what }];
  return { ...repair, decision: { ...repair.decision, phase, timeline } };
}

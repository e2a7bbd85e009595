/**
 * The life of one decision after the guard: wait for a person, apply, verify, undo, close. Pure:
 * each step takes the repair and what happened, and returns the repair and what to do next.
 */

import type { Fault, Result } from "../../base/index.ts";
import { type Action, actionSubject, describeAction, isDisruptive } from "../action.ts";
import { isStillFound } from "../analyze/symptom-tracker.ts";
import type { Decision, DecisionPhase, VerdictOutcome } from "../decision.ts";
import type { Observation } from "../observation.ts";
import { subject, subjectName } from "../subject.ts";
import { type Finding, isObservable, type Symptom, symptomKey } from "../symptom.ts";

export interface Repair {
  readonly decision: Decision;
  readonly startedMs: number;
  /** Monotonic; until then a person must have answered, or the repair shown that it helped. */
  readonly deadlineMs: number;
  /** Beats in a row in which its symptom could have been seen and was not. */
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

/** With these nothing was begun, so there is nothing to take back. */
const neverBegun: ReadonlySet<string> = new Set(["E_JOURNAL_FULL", "E_JOURNAL_WRITE"]);

export function beginRepair(decision: Decision, now: Now): RepairStep {
  const { admission } = decision;
  // Of the wall clock only the distance counts: it may jump while a person thinks.
  const waitMs =
    admission.kind === "awaiting-confirmation"
      ? admission.expiresWallMs - now.wallMs
      : Number.POSITIVE_INFINITY;
  const repair = {
    decision,
    startedMs: now.atMs,
    deadlineMs: now.atMs + waitMs,
    quietBeats: 0,
    failure: null,
  };
  if (decision.phase === "waiting") return { repair, effect: null };
  return {
    repair: moved(repair, "applying", "being applied", now),
    effect: "apply",
  };
}

/**
 * Takes up a decision that was open when the process before this one ended. If it had been applied
 * it gets its whole time to prove itself; if that is not certain, it has to show it at first sight.
 */
export function resumeRepair(found: Decision, now: Now): RepairStep {
  const certain = found.phase === "verifying";
  const repair: Repair = {
    decision: found,
    startedMs: now.atMs - Math.max(0, now.wallMs - found.madeWallMs),
    deadlineMs: now.atMs + found.plan.expectation.withinMs,
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
  if (repair.quietBeats > 0) return refuse(repair, "E_CONFIRMATION_EXPIRED", wentAway, now);
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
  switch (repair.decision.phase) {
    case "waiting":
      return observeWaiting(repair, findings, now);
    case "verifying":
      return verify(repair, findings, now);
    default:
      return { repair, effect: null };
  }
}

const wentAway = "the symptom went away before anybody answered";

/** A plan must not outlive what it was made for: a late yes would hit an interface that works. */
function observeWaiting(
  repair: Repair,
  findings: readonly Finding[],
  now: Observation,
): RepairStep {
  const { symptom, plan } = repair.decision;
  if (now.atMs >= repair.deadlineMs) {
    return refuse(repair, "E_CONFIRMATION_EXPIRED", "nobody answered in time", now);
  }
  if (!isObservable(symptom, now)) return { repair, effect: null };
  const found = findings.some((finding) => symptomKey(finding) === symptom.key);
  const quietBeats = found ? 0 : repair.quietBeats + 1;
  return quietBeats >= plan.expectation.quietBeats
    ? refuse(repair, "E_CONFIRMATION_EXPIRED", wentAway, now)
    : { repair: { ...repair, quietBeats }, effect: null };
}

function verify(repair: Repair, findings: readonly Finding[], now: Observation): RepairStep {
  const { symptom, plan } = repair.decision;
  const found = isStillFound(symptom, findings);
  const unseen = found ? null : whyUnseen(symptom, now);
  if (!found && unseen === null) {
    const quiet = { ...repair, quietBeats: repair.quietBeats + 1 };
    return quiet.quietBeats >= plan.expectation.quietBeats
      ? close(quiet, "healed", "the symptom went away and stayed away", findings, now)
      : { repair: quiet, effect: null };
  }
  const noisy = { ...repair, quietBeats: 0 };
  const mustShowNow = repair.failure !== null && found;
  if (now.atMs < repair.deadlineMs && !mustShowNow) return { repair: noisy, effect: null };
  const seconds = plan.expectation.withinMs / 1000;
  const failure = repair.failure ?? {
    outcome: "undone",
    reason: unseen ?? `the symptom was still there after ${seconds} s`,
  };
  return takeBack({ ...noisy, failure }, findings, now);
}

/** Why this beat says nothing about a symptom that was not found in it; null when it does. */
function whyUnseen(symptom: Symptom, now: Observation): string | null {
  if (!isObservable(symptom, now)) return "nobody could see whether it helped";
  const name = subjectName(symptom.subject);
  const gone =
    symptom.subject === subject("interface", name) &&
    !now.interfaces?.some((reading) => reading.name === name);
  return gone ? `${name} disappeared` : null;
}

export function appliedRepair(
  repair: Repair,
  result: Result<void, Fault>,
  findings: readonly Finding[],
  now: Now,
): RepairStep {
  const { plan } = repair.decision;
  if (!result.ok) {
    const reason = `${result.fault.message}${result.fault.remedy ? `; ${result.fault.remedy}` : ""}`;
    if (neverBegun.has(result.fault.code)) {
      return close(repair, "not-applied", reason, findings, now);
    }
    return takeBack({ ...repair, failure: { outcome: "not-applied", reason } }, findings, now);
  }
  if (!plan.actions.some(isDisruptive)) return close(repair, "told", "it was told", findings, now);
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
  if (result.ok) return close(repair, outcome, reason, findings, now);
  const both = `${reason}; and the undo failed: ${result.fault.message}`;
  return close(repair, "undo-failed", both, findings, now);
}

function takeBack(repair: Repair, findings: readonly Finding[], now: Now): RepairStep {
  const { outcome, reason } = repair.failure ?? { outcome: "undone", reason: "taken back" };
  const { undo } = repair.decision.plan;
  if (undo.length === 0) return close(repair, outcome, reason, findings, now);
  const spared = undo.map((action) => sparedBy(action, findings)).find((name) => name !== null);
  if (spared === undefined) {
    return { repair: moved(repair, "undoing", `taken back: ${reason}`, now), effect: "undo" };
  }
  const why = `${reason}; not taken back, for ${spared} may carry traffic`;
  const verdict = outcome === "undone" ? "undo-failed" : outcome;
  return close(repair, verdict, why, findings, now);
}

/**
 * The interface that an undo would take down although it is not seen to be down: it may be somebody's
 * last path, and to cut that is worse than to leave a repair of doubtful use in place.
 */
function sparedBy(undo: Action, findings: readonly Finding[]): string | null {
  if (undo.kind !== "interface-down") return null;
  const isDown = findings.some(
    (finding) => finding.kind === "interface-down" && finding.subject === actionSubject(undo),
  );
  return isDown ? null : undo.interface;
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
  findings: readonly Finding[],
  now: Now,
): RepairStep {
  const { key, evidence } = repair.decision.symptom;
  const verdict = {
    outcome,
    reason,
    before: evidence,
    after: findings.find((finding) => symptomKey(finding) === key)?.evidence ?? [],
    wallMs: now.wallMs,
    tookMs: Math.round(now.atMs - repair.startedMs),
  };
  const judged: Repair = { ...repair, decision: { ...repair.decision, verdict } };
  return { repair: moved(judged, "closed", `${outcome}: ${reason}`, now), effect: "close" };
}

function moved(repair: Repair, phase: DecisionPhase, what: string, now: Now): Repair {
  const before = repair.decision.timeline;
  const kept =
    before.length < maxTimeline ? before : before.toSpliced(1, 1 + before.length - maxTimeline);
  const timeline = [...kept, { wallMs: now.wallMs, what }];
  return { ...repair, decision: { ...repair.decision, phase, timeline } };
}

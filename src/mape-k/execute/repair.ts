/**
 * The life of one decision after the guard: wait for a person, apply, verify, undo, close. Pure:
 * each step takes the repair and what happened, and returns the repair and what to do next.
 */

import type { Fault, Result } from "../../base/index.ts";
import { type Action, actionSubject, describeAction, isDisruptive } from "../action.ts";
import type { Decision, VerdictOutcome } from "../decision.ts";
import type { Observation } from "../observation.ts";
import { type Finding, isObservable, symptomKey } from "../symptom.ts";
import { judgeBeat } from "./proof.ts";
import { moved, type Now, type Repair, type RepairStep } from "./repair-state.ts";
import { beginHolding, endWithdrawal, hold, resumeStanding } from "./standing-repair.ts";

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
  if (found.verdict !== null && found.phase !== "closed") return resumeStanding(found, now);
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
    case "holding":
      return hold(repair, findings, now);
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
  const { plan } = repair.decision;
  const beat = judgeBeat(repair.decision, findings, now);
  if (beat.kind === "proof") {
    const quiet = { ...repair, quietBeats: repair.quietBeats + 1 };
    return quiet.quietBeats >= plan.expectation.quietBeats
      ? proven(quiet, beat.reason, findings, now)
      : { repair: quiet, effect: null };
  }
  const noisy = { ...repair, quietBeats: 0 };
  const mustShowNow = repair.failure !== null && beat.kind === "trouble";
  if (now.atMs < repair.deadlineMs && !mustShowNow) return { repair: noisy, effect: null };
  const seconds = plan.expectation.withinMs / 1000;
  const failure = repair.failure ?? {
    outcome: "undone",
    reason: beat.kind === "trouble" ? `${beat.reason} after ${seconds} s` : beat.reason,
  };
  return takeBack({ ...noisy, failure }, findings, now);
}

function proven(
  repair: Repair,
  reason: string,
  findings: readonly Finding[],
  now: Now,
): RepairStep {
  if (repair.decision.plan.standing === null) {
    return close(repair, "healed", reason, findings, now);
  }
  return beginHolding(judged(repair, "healed", reason, findings, now), reason, now);
}

/** `undo` as it was read right before; empty when nothing was begun. */
export function appliedRepair(
  before: Repair,
  result: Result<void, Fault>,
  undo: readonly Action[],
  findings: readonly Finding[],
  now: Now,
): RepairStep {
  const plan = { ...before.decision.plan, undo };
  const repair = { ...before, decision: { ...before.decision, plan } };
  if (!result.ok) {
    const reason = `${result.fault.message}${result.fault.remedy ? `; ${result.fault.remedy}` : ""}`;
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
  if (repair.decision.phase === "withdrawing") return endWithdrawal(repair, result, now);
  const { outcome, reason } = repair.failure ?? { outcome: "undone", reason: "taken back" };
  if (result.ok) return close(repair, outcome, reason, findings, now);
  if (result.fault.code === "E_SUPERSEDED") {
    return close(repair, outcome, `${reason}; ${result.fault.message}`, findings, now);
  }
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
  const ended = judged(repair, outcome, reason, findings, now);
  return { repair: moved(ended, "closed", `${outcome}: ${reason}`, now), effect: "close" };
}

function judged(
  repair: Repair,
  outcome: VerdictOutcome,
  reason: string,
  findings: readonly Finding[],
  now: Now,
): Repair {
  const { key, evidence } = repair.decision.symptom;
  const verdict = {
    outcome,
    reason,
    before: evidence,
    after: findings.find((finding) => symptomKey(finding) === key)?.evidence ?? [],
    wallMs: now.wallMs,
    tookMs: Math.round(now.atMs - repair.startedMs),
  };
  return { ...repair, decision: { ...repair.decision, verdict } };
}

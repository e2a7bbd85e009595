/**
 * A repair that stays in force: held while its cause lasts, withdrawn when the cause has passed. The
 * cause is watched on what the trouble itself is measured by (a link's own numbered messages), which
 * goes on whether or not traffic avoids it.
 */

import type { Fault, Result } from "../../base/index.ts";
import { isStillFound } from "../analyze/symptom-tracker.ts";
import type { Decision, WithdrawalOutcome } from "../decision.ts";
import type { Observation } from "../observation.ts";
import { type Finding, isObservable } from "../symptom.ts";
import { moved, type Now, type Repair, type RepairStep } from "./repair-state.ts";

/** A repair whose cause nobody can see any more has lost its reason after so long. */
const maxBlindMs = 5 * 60_000;

export function beginHolding(judged: Repair, reason: string, now: Now): RepairStep {
  const held = { ...judged, quietBeats: 0, deadlineMs: now.atMs + maxBlindMs };
  const what = `healed: ${reason}; held until its cause has passed`;
  return { repair: moved(held, "holding", what, now), effect: null };
}

/** Takes up what the process before this one held, or was just withdrawing. */
export function resumeStanding(found: Decision, now: Now): RepairStep {
  const repair: Repair = {
    decision: found,
    startedMs: now.atMs - Math.max(0, now.wallMs - found.madeWallMs),
    deadlineMs: now.atMs + maxBlindMs,
    quietBeats: 0,
    failure: null,
  };
  const what = "found in force after a restart; held until its cause has passed";
  return { repair: moved(repair, "holding", what, now), effect: null };
}

export function hold(repair: Repair, findings: readonly Finding[], now: Observation): RepairStep {
  const { symptom, plan } = repair.decision;
  const releaseBeats = plan.standing?.releaseBeats ?? 0;
  if (isStillFound(symptom, findings)) return { repair: watched(repair, 0, now), effect: null };
  if (isObservable(symptom, now)) {
    const quietBeats = repair.quietBeats + 1;
    const quiet = watched(repair, quietBeats, now);
    if (quietBeats < releaseBeats) return { repair: quiet, effect: null };
    return withdraw(quiet, `its cause stayed away for ${releaseBeats} beats`, now);
  }
  if (now.atMs < repair.deadlineMs) return { repair, effect: null };
  const minutes = maxBlindMs / 60_000;
  return withdraw(repair, `nobody could see its cause for ${minutes} minutes`, now);
}

function watched(repair: Repair, quietBeats: number, now: Now): Repair {
  return { ...repair, quietBeats, deadlineMs: now.atMs + maxBlindMs };
}

function withdraw(repair: Repair, reason: string, now: Now): RepairStep {
  return { repair: moved(repair, "withdrawing", `withdrawn: ${reason}`, now), effect: "undo" };
}

/** A withdrawal that fails is tried again: the override must not outlive the memory of it. */
export function endWithdrawal(repair: Repair, result: Result<void, Fault>, now: Now): RepairStep {
  if (result.ok) return end(repair, "withdrawn", "what was there before is restored", now);
  const { code, message } = result.fault;
  if (code === "E_SUPERSEDED") return end(repair, "superseded", message, now);
  if (code === "E_NO_SUCH_SUBJECT") return end(repair, "vanished", message, now);
  const again = watched(repair, 0, now);
  const what = `could not be withdrawn, will be tried again: ${message}`;
  return { repair: moved(again, "holding", what, now), effect: null };
}

function end(repair: Repair, outcome: WithdrawalOutcome, reason: string, now: Now): RepairStep {
  const { verdict } = repair.decision;
  const heldMs = Math.max(0, Math.round(now.wallMs - (verdict?.wallMs ?? now.wallMs)));
  const withdrawal = { outcome, reason, wallMs: now.wallMs, heldMs };
  const ended = { ...repair, decision: { ...repair.decision, withdrawal } };
  return { repair: moved(ended, "closed", `${outcome}: ${reason}`, now), effect: "close" };
}

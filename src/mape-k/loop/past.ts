/**
 * What a new process makes of the decisions it finds: repairs of the last hour still count against
 * budget and cool-down, and what was open but is not in the crash journal had not begun.
 */

import { isDisruptive } from "../action.ts";
import { type Decision, type DecisionId, isClosed } from "../decision.ts";
import type { Now } from "../execute/repair.ts";
import type { GuardState } from "../guard/guard.ts";
import { planSubjects } from "../plan/plan-repair.ts";

const hourMs = 3_600_000;
/**
 * A board without a battery starts in the past until NTP has it. What lies further ahead than this
 * has an unknown age; to count it as "just now" would spend the budget of every boot.
 */
const clockSlackMs = 60_000;

/** Is this decision of the last hour, as far as the wall clock can tell? */
export function isRecent(decision: Decision, now: Now): boolean {
  const agoMs = now.wallMs - repairedWallMs(decision);
  return agoMs < hourMs && agoMs > -clockSlackMs;
}

export function restoredGuard(past: readonly Decision[], now: Now): GuardState {
  const repairs = past
    .filter(
      (decision) =>
        decision.admission.kind === "admitted" &&
        decision.plan.actions.some(isDisruptive) &&
        isRecent(decision, now),
    )
    .map((decision) => ({
      plan: decision.plan,
      atMs: now.atMs - Math.max(0, now.wallMs - repairedWallMs(decision)),
    }))
    .toSorted((one, other) => one.atMs - other.atMs)
    .flatMap(({ plan, atMs }) => planSubjects(plan).map((subject) => ({ atMs, subject })));
  return { repairs };
}

/** A decision may have waited for a person: what counts is when something last happened to it. */
function repairedWallMs({ madeWallMs, timeline }: Decision): number {
  return Math.max(madeWallMs, timeline.at(-1)?.wallMs ?? madeWallMs);
}

/** The decisions that ended with their process, closed as what they are. */
export function closeAbandoned(
  past: readonly Decision[],
  open: ReadonlySet<DecisionId>,
  now: Now,
): readonly Decision[] {
  return past
    .filter((decision) => !isClosed(decision) && !open.has(decision.id))
    .map((decision) => abandoned(decision, now));
}

function abandoned(decision: Decision, now: Now): Decision {
  const reason = "the process ended before anything was done";
  const timeline = [...decision.timeline, { wallMs: now.wallMs, what: reason }];
  const closed: Decision = { ...decision, phase: "closed", timeline };
  if (decision.phase === "waiting") {
    const code = "E_CONFIRMATION_EXPIRED";
    return { ...closed, admission: { kind: "refused", code, reason } };
  }
  const verdict = {
    outcome: "not-applied" as const,
    reason,
    before: decision.symptom.evidence,
    after: [],
    wallMs: now.wallMs,
    tookMs: Math.max(0, now.wallMs - decision.madeWallMs),
  };
  return { ...closed, verdict };
}

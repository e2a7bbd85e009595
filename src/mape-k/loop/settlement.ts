/**
 * What has been said about a symptom already, so that one symptom does not become a stream of
 * decisions, however long it lasts.
 */

import { isDisruptive } from "../action.ts";
import type { Admission, Decision, Plan } from "../decision.ts";
import type { Severity, Symptom } from "../symptom.ts";
import type { LoopState, Settlement } from "./loop-state.ts";

const told = "told ";

/**
 * Null when this very word about this symptom is on record already. What was told is told again only
 * when it got worse or better; but should it become repairable meanwhile, it is repaired.
 */
export function settlementOf(
  state: LoopState,
  symptom: Symptom,
  plan: Plan,
  admission: Admission,
): Settlement | null {
  const recorded = state.settled.get(symptom.key)?.recorded ?? [];
  const final = admission.kind === "observed";
  const word =
    admission.kind === "refused"
      ? admission.code
      : plan.actions.some(isDisruptive)
        ? null
        : toldAt(symptom.severity);
  if (word === null) return { recorded, final };
  return recorded.includes(word) ? null : { recorded: [...recorded, word], final };
}

/** A verdict that leaves nothing to try settles its symptom until it has cleared. */
export function settleClosed(
  state: LoopState,
  { symptom, plan, verdict }: Decision,
): LoopState["settled"] {
  const isRaised = (state.tracks.get(symptom.key)?.symptom ?? null) !== null;
  if (!isRaised || !plan.actions.some(isDisruptive)) return state.settled;
  // Closed without a verdict is refused by a person, or by nobody's answer.
  const final = verdict === null || verdict.outcome === "undo-failed";
  const before = state.settled.get(symptom.key)?.recorded ?? [];
  const recorded = before.filter((word) => final || word.startsWith(told));
  return new Map(state.settled).set(symptom.key, { recorded, final });
}

function toldAt(severity: Severity): string {
  return told + severity;
}

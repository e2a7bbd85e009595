/** What every plan has in common. */

import { type Action, describeAction, isDisruptive, undoOf } from "../action.ts";
import type { Alternative, Plan } from "../decision.ts";
import type { Symptom } from "../symptom.ts";

export interface PlanOptions {
  /** May this interface be touched? */
  readonly mayRepair: (interfaceName: string) => boolean;
  /** How long a repair has to show that it helped. */
  readonly verifyMs: number;
}

/** Beats without the symptom that make a repair proven. */
const quietBeats = 3;

export function planOf(
  symptom: Symptom,
  options: PlanOptions,
  action: Action,
  expectedGain: string,
  alternatives: readonly Alternative[],
): Plan {
  const undo = isDisruptive(action) ? undoOf(action) : null;
  return {
    reason: `${symptom.summary}; ${describeAction(action)}`,
    actions: [action],
    undo: undo === null ? [] : [undo],
    expectedGain,
    expectation: {
      symptom: symptom.key,
      proof: "symptom-gone",
      withinMs: options.verifyMs,
      quietBeats,
    },
    standing: null,
    alternatives,
  };
}

/** Nobody here can repair it: say so. */
export function tellPlan(
  symptom: Symptom,
  options: PlanOptions,
  alternatives: readonly Alternative[] = [],
): Plan {
  const { severity, summary: message } = symptom;
  return planOf(
    symptom,
    options,
    { kind: "tell", severity, message },
    "an operator knows",
    alternatives,
  );
}

/**
 * From a symptom to a plan: the plainest repair that fits, what it should achieve, how it will be
 * judged, and why the other candidates were not taken. What nobody here can repair is told.
 */

import { type Action, actionSubject, describeAction, isDisruptive, undoOf } from "../action.ts";
import type { Alternative, Plan } from "../decision.ts";
import type { Observation } from "../observation.ts";
import { subjectName } from "../subject.ts";
import type { Symptom } from "../symptom.ts";

export interface PlanOptions {
  /** May this interface be touched? */
  readonly mayRepair: (interfaceName: string) => boolean;
  /** How long a repair has to show that it helped. */
  readonly verifyMs: number;
}

/** Beats without the symptom that make a repair proven. */
const quietBeats = 3;
/** Long enough for the far end to see the carrier go, short enough to be no outage of its own. */
const bounceDownMs = 500;

export function planRepair(symptom: Symptom, seen: Observation, options: PlanOptions): Plan {
  return symptom.kind === "interface-down"
    ? planInterfaceRepair(symptom, seen, options)
    : planOf(symptom, options, tell(symptom), "an operator knows", []);
}

function planInterfaceRepair(symptom: Symptom, seen: Observation, options: PlanOptions): Plan {
  const name = subjectName(symptom.subject);
  const up: Action = { kind: "interface-up", interface: name };
  const bounce: Action = { kind: "interface-bounce", interface: name, downMs: bounceDownMs };
  const reading = seen.interfaces?.find((candidate) => candidate.name === name);
  const told = (rejectedBecause: string) =>
    planOf(symptom, options, tell(symptom), "an operator knows", [
      { action: up, rejectedBecause },
      { action: bounce, rejectedBecause },
    ]);
  if (seen.interfaces === null) return told("the interfaces could not be seen");
  if (reading === undefined) return told(`${name} does not exist`);
  if (reading.adminUp && reading.stacked) {
    return told(`${name} stands on other interfaces: the carrier that is missing is theirs`);
  }
  if (!options.mayRepair(name)) return told(`repair.interfaces does not name ${name}`);
  if (reading.adminUp) {
    return planOf(symptom, options, bounce, `${name} gets its carrier back`, [
      { action: up, rejectedBecause: `${name} is set up already; the carrier is missing` },
      { action: null, rejectedBecause: "a driver or peer that is stuck often needs a new link" },
    ]);
  }
  return planOf(symptom, options, up, `${name} carries traffic again`, [
    { action: bounce, rejectedBecause: `${name} is down already; setting it up is enough` },
    { action: null, rejectedBecause: `${name} was up before and nothing else will set it up` },
  ]);
}

function tell(symptom: Symptom): Action {
  return { kind: "tell", severity: symptom.severity, message: symptom.summary };
}

function planOf(
  symptom: Symptom,
  options: PlanOptions,
  action: Action,
  expectedGain: string,
  alternatives: readonly Alternative[],
): Plan {
  const undo = isDisruptive(action) ? [undoOf(action)] : [];
  return {
    reason: `${symptom.summary}; ${describeAction(action)}`,
    actions: [action],
    undo,
    expectedGain,
    expectation: { symptom: symptom.key, withinMs: options.verifyMs, quietBeats },
    alternatives,
  };
}

/** The subjects a plan touches, each once. */
export function planSubjects(plan: Plan) {
  return [...new Set(plan.actions.filter(isDisruptive).map(actionSubject))];
}

/**
 * From a symptom to a plan: the plainest repair that fits, what it should achieve, how it will be
 * judged, and why the other candidates were not taken. What nobody here can repair is told.
 */

import { type Action, actionSubject, isDisruptive } from "../action.ts";
import type { Plan } from "../decision.ts";
import type { Observation } from "../observation.ts";
import { subjectName } from "../subject.ts";
import type { Symptom } from "../symptom.ts";
import { type PlanOptions, planOf, tellPlan } from "./plan-of.ts";
import { planSteering } from "./plan-steering.ts";

export type { PlanOptions } from "./plan-of.ts";

/** Long enough for the far end to see the carrier go, short enough to be no outage of its own. */
const bounceDownMs = 500;

export function planRepair(symptom: Symptom, seen: Observation, options: PlanOptions): Plan {
  switch (symptom.kind) {
    case "interface-down":
      return planInterfaceRepair(symptom, seen, options);
    case "link-loss":
      return planSteering(symptom, seen, options);
    case "silent-neighbour":
      return planSilence(symptom, options);
    default:
      return tellPlan(symptom, options);
  }
}

function planInterfaceRepair(symptom: Symptom, seen: Observation, options: PlanOptions): Plan {
  const name = subjectName(symptom.subject);
  const up: Action = { kind: "interface-up", interface: name };
  const bounce: Action = { kind: "interface-bounce", interface: name, downMs: bounceDownMs };
  const reading = seen.interfaces?.find((candidate) => candidate.name === name);
  const told = (rejectedBecause: string) =>
    tellPlan(symptom, options, [
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

/** Why nothing is done about it here: each way was considered. */
function planSilence(symptom: Symptom, options: PlanOptions): Plan {
  const [on = ""] = subjectName(symptom.subject).split("/");
  return tellPlan(symptom, options, [
    {
      action: { kind: "mesh-reenslave", interface: on },
      rejectedBecause:
        "the silent side is most often the other one, and neighbours ignore a restarted node for up " +
        "to 30 s (reset protection)",
    },
    {
      action: { kind: "interface-bounce", interface: on, downMs: bounceDownMs },
      rejectedBecause: `other neighbours may be heard on ${on}; its carrier is watched for itself`,
    },
  ]);
}

/** The subjects a plan touches, each once. */
export function planSubjects(plan: Plan) {
  return [...new Set(plan.actions.filter(isDisruptive).map(actionSubject))];
}

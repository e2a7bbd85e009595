/** A plan, and how long it is held: what is repaired again and again is held longer each time. */

import type { Plan } from "../decision.ts";
import { repairsOf } from "../guard/guard.ts";
import type { Observation } from "../observation.ts";
import { planRepair, planSubjects } from "../plan/plan-repair.ts";
import { patienceAfter } from "../plan/plan-steering.ts";
import type { Symptom } from "../symptom.ts";
import type { LoopPolicy, LoopState } from "./loop-state.ts";

export function planWithPatience(
  state: LoopState,
  symptom: Symptom,
  seen: Observation,
  policy: LoopPolicy,
): Plan {
  const plan = planRepair(symptom, seen, policy.plan);
  if (plan.standing === null) return plan;
  const earlier = repairsOf(planSubjects(plan), state.guard, seen.atMs);
  return { ...plan, standing: { releaseBeats: patienceAfter(earlier) } };
}

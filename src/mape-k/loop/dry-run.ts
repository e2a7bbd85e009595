/** What the loop would do now about each active symptom, as if the mode were `act`. */

import type { Now } from "../execute/repair.ts";
import { admit } from "../guard/guard.ts";
import type { Observation } from "../observation.ts";
import { planRepair } from "../plan/plan-repair.ts";
import type { Symptom } from "../symptom.ts";
import { guardContext } from "./guard-context.ts";
import type { LoopPolicy, LoopState } from "./loop-state.ts";
import type { DryRun } from "./loop-view.ts";

export function dryRun(
  state: LoopState,
  symptoms: readonly Symptom[],
  observation: Observation,
  policy: LoopPolicy,
  now: Now,
): readonly DryRun[] {
  return symptoms.map((symptom) => {
    const plan = planRepair(symptom, observation, policy.plan);
    const seen = guardContext(state, plan, observation, policy);
    const context = { ...seen, ...now, mode: "act" as const };
    const admission = admit(plan, state.guard, context, policy.guard);
    const refusal = admission.kind === "refused" ? `${admission.code}: ${admission.reason}` : null;
    return { symptom, plan, admitted: refusal === null, refusal };
  });
}

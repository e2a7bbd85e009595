/** What the guard must know of the loop's state to judge a plan. */

import { isDisruptive } from "../action.ts";
import type { Plan } from "../decision.ts";
import type { GuardContext } from "../guard/guard.ts";
import type { Observation } from "../observation.ts";
import type { LoopPolicy, LoopState } from "./loop-state.ts";

export function guardContext(
  state: LoopState,
  plan: Plan,
  observation: Observation,
  policy: LoopPolicy,
): GuardContext {
  return {
    mode: policy.mode,
    atMs: observation.atMs,
    wallMs: observation.wallMs,
    observation,
    underWay: [...state.repairs.values()].some(({ decision }) =>
      decision.plan.actions.some(isDisruptive),
    ),
    journalReady: state.journalReady,
    hasActuators: [...plan.actions, ...plan.undo].every(({ kind }) => policy.actionKinds.has(kind)),
  };
}

/** What the guard must know of the loop's state to judge a plan. */

import { handledKind, isDisruptive } from "../action.ts";
import { isUnderWay, type Plan } from "../decision.ts";
import type { GuardContext } from "../guard/guard.ts";
import type { Observation } from "../observation.ts";
import type { LoopPolicy, LoopState } from "./loop-state.ts";

export function guardContext(
  state: LoopState,
  plan: Plan,
  observation: Observation,
  policy: LoopPolicy,
): GuardContext {
  const open = [...state.repairs.values()].map(({ decision }) => decision);
  return {
    mode: policy.mode,
    atMs: observation.atMs,
    wallMs: observation.wallMs,
    observation,
    underWay: open.some((each) => isUnderWay(each) && each.plan.actions.some(isDisruptive)),
    held: open.filter(({ phase }) => phase === "holding").length,
    journalReady: state.journalReady,
    hasActuators: [...plan.actions, ...plan.undo].every((action) =>
      policy.actionKinds.has(handledKind(action)),
    ),
  };
}

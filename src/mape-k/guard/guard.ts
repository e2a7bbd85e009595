/**
 * The promise not to make things worse, as a pure function: a plan goes in, an admission comes out.
 * It counts what was done, so that nothing is repaired in circles: each further repair of a subject
 * within the hour doubles its cool-down, whatever came of the one before.
 */

import { isDisruptive } from "../action.ts";
import type { Admission, Mode, Plan, RefusalCode } from "../decision.ts";
import type { Observation } from "../observation.ts";
import { planSubjects } from "../plan/plan-repair.ts";
import type { Subject } from "../subject.ts";
import { whatIsCut } from "./last-path.ts";

export interface GuardOptions {
  /** Disruptive plans allowed per hour. */
  readonly budgetPerHour: number;
  readonly coolDownMs: number;
  readonly confirmMs: number;
}

/** The disruptive repairs of the last hour: when (monotonic ms), and on what. */
export interface GuardState {
  readonly repairs: readonly { readonly atMs: number; readonly subject: Subject }[];
}

export const freshGuard: GuardState = { repairs: [] };

export interface GuardContext {
  readonly mode: Mode;
  readonly atMs: number;
  readonly wallMs: number;
  readonly observation: Observation;
  /** A disruptive repair is applied, verified or undone at this moment, or waits for a person. */
  readonly underWay: boolean;
  /** Standing repairs that are held. */
  readonly held: number;
  /** False when the crash journal cannot be written. */
  readonly journalReady: boolean;
  /** Can this machine carry the plan out at all? */
  readonly hasActuators: boolean;
}

const hourMs = 3_600_000;
/** Each keeps a slot of the crash journal for as long as it lasts. */
const maxHeld = 8;

export function admit(
  plan: Plan,
  state: GuardState,
  context: GuardContext,
  options: GuardOptions,
): Admission {
  if (context.mode === "observe") return { kind: "observed" };
  const objection = plan.actions.some(isDisruptive)
    ? objectionTo(plan, state, context, options)
    : null;
  if (objection !== null) return objection;
  if (context.mode === "confirm" && plan.actions.some(isDisruptive)) {
    return { kind: "awaiting-confirmation", expiresWallMs: context.wallMs + options.confirmMs };
  }
  return { kind: "admitted" };
}

function objectionTo(
  plan: Plan,
  state: GuardState,
  context: GuardContext,
  options: GuardOptions,
): Admission | null {
  if (!context.hasActuators) {
    return refused("E_NO_CAPABILITY", "this machine cannot carry it out; see `meshmend doctor`");
  }
  if (!context.journalReady) {
    return refused("E_JOURNAL_UNAVAILABLE", "the crash journal cannot be written");
  }
  if (context.underWay) return refused("E_REPAIR_UNDER_WAY", "another repair is not finished yet");
  for (const subject of planSubjects(plan)) {
    const waitMs = coolDownLeftMs(subject, state, context.atMs, options);
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      return refused("E_COOL_DOWN", `${subject} was repaired lately: not for another ${seconds} s`);
    }
  }
  if (recent(state, context.atMs).length >= options.budgetPerHour) {
    return refused("E_BUDGET_SPENT", `${options.budgetPerHour} repairs within the last hour`);
  }
  if (plan.standing !== null && context.held >= maxHeld) {
    return refused("E_BUDGET_SPENT", `${maxHeld} standing repairs are in force already`);
  }
  const cut = whatIsCut(plan, context.observation);
  return cut === null ? null : refused("E_LAST_PATH", cut);
}

function refused(code: RefusalCode, reason: string): Admission {
  return { kind: "refused", code, reason };
}

function recent(state: GuardState, atMs: number) {
  return state.repairs.filter((repair) => atMs - repair.atMs < hourMs);
}

/** How often it was repaired within the last hour. */
export function repairsOf(of: readonly Subject[], state: GuardState, atMs: number): number {
  return recent(state, atMs).filter(({ subject }) => of.includes(subject)).length;
}

export function coolDownLeftMs(
  subject: Subject,
  state: GuardState,
  atMs: number,
  options: GuardOptions,
): number {
  const repairs = recent(state, atMs).filter((repair) => repair.subject === subject);
  if (repairs.length === 0) return 0;
  const lastMs = Math.max(...repairs.map((repair) => repair.atMs));
  const coolDownMs = Math.min(hourMs, options.coolDownMs * 2 ** (repairs.length - 1));
  return Math.max(0, lastMs + coolDownMs - atMs);
}

/** Two bookings of one subject this close are the same repair: no cool-down is shorter. */
const sameRepairMs = 1_000;

/**
 * Books a plan that was found open after a restart. The journal outlives a crash that the decision's
 * record may not; without this a repair that brings the machine down would be repeated for ever.
 */
export function bookRecovered(plan: Plan, state: GuardState, atMs: number): GuardState {
  const missing = planSubjects(plan).filter(
    (subject) =>
      !state.repairs.some(
        (repair) => repair.subject === subject && Math.abs(repair.atMs - atMs) < sameRepairMs,
      ),
  );
  return { repairs: [...state.repairs, ...missing.map((subject) => ({ atMs, subject }))] };
}

/** Books an admitted plan; what is older than an hour is forgotten. */
export function book(plan: Plan, state: GuardState, atMs: number): GuardState {
  const booked = planSubjects(plan).map((subject) => ({ atMs, subject }));
  return booked.length === 0 ? state : { repairs: [...recent(state, atMs), ...booked] };
}

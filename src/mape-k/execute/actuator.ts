/** The port of an actuator: it carries out the actions of some kinds, and nothing else. */

import type { Fault, Result } from "../../base/index.ts";
import type { Action, HandledKind } from "../action.ts";

export type ActuatorFaultCode =
  /** The operating system refused: the fault's remedy names the capability. */
  | "E_NOT_PERMITTED"
  /** What the action is about does not exist (any more). */
  | "E_NO_SUCH_SUBJECT"
  /** The tool it needs is not installed. */
  | "E_NO_CAPABILITY"
  | "E_ACTION_TIMEOUT"
  /** A setting that was to be restored had been changed by somebody else: it was left alone. */
  | "E_SUPERSEDED"
  | "E_ACTION_FAILED";

export interface Actuator {
  /** Whoever sets something restores it as well. */
  readonly kinds: readonly HandledKind[];
  /**
   * Reads what would take this action back, as the world is now; asked right before `apply`. Only
   * for settings: of other actions `undoOf` knows it without looking.
   */
  undoFor?(action: Action, signal: AbortSignal): Promise<Result<Action, Fault<ActuatorFaultCode>>>;
  /**
   * Carries it out and reads it back. Idempotent: doing it twice is doing it once. Aborting
   * leaves the subject in a state from which the action's undo restores it.
   */
  apply(action: Action, signal: AbortSignal): Promise<Result<void, Fault<ActuatorFaultCode>>>;
}

/**
 * The port of the crash journal. An action is written here, durably, before it is begun and
 * struck out when its decision is closed; so whatever is open after a crash was under way.
 */

import type { Fault, Result } from "../../base/index.ts";
import type { Decision, DecisionId } from "../decision.ts";

export interface OpenAction {
  /** The decision as it stood when the entry was written; its phase says how far it was. */
  readonly decision: Decision;
}

export interface ActionJournal {
  /** Resolves once the entry is on disk. Writing an id again replaces its entry. */
  open(entry: OpenAction): Promise<Result<void, Fault<"E_JOURNAL_FULL" | "E_JOURNAL_WRITE">>>;
  /** Strikes the entry out, durably. Unknown ids are fine. */
  close(id: DecisionId): Promise<Result<void, Fault<"E_JOURNAL_WRITE">>>;
  /** What was open when the journal was last closed or lost its process. */
  recover(): Promise<Result<readonly OpenAction[], Fault<"E_JOURNAL_READ">>>;
  /** How many entries it can hold at once. */
  readonly capacity: number;
  stop(): Promise<void>;
}

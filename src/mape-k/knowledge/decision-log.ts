/** The port behind which decisions are kept across restarts. */

import type { Fault, Result } from "../../base/index.ts";
import type { Decision, DecisionId } from "../decision.ts";

export interface DecisionQuery {
  /** At most this many, newest first. */
  readonly limit: number;
  /** Only decisions older than this id: the id of the last one of the page before. */
  readonly before?: DecisionId;
}

export type DecisionLogFault = Fault<"E_STORAGE_READ" | "E_STORAGE_WRITE">;

export interface DecisionLog {
  /** Writes or replaces the record with its id. Not synced one by one; a crash may lose the last. */
  put(decision: Decision): Promise<Result<void, DecisionLogFault>>;
  get(id: DecisionId): Promise<Result<Decision | null, DecisionLogFault>>;
  list(query: DecisionQuery): Promise<Result<readonly Decision[], DecisionLogFault>>;
  /** Removes the oldest until `keep` are left; resolves to how many went. */
  prune(keep: number): Promise<Result<number, DecisionLogFault>>;
  stop(): Promise<void>;
}

/**
 * The port by which a follower hands to its leader what only a leader can take. A proposal is
 * answered with its place in the log: the follower then waits for that entry in its own state
 * machine, so that no reply has to travel and a client reads its own write where it wrote it.
 */

import type { NodeId, Result } from "../base/index.ts";
import type { LogIndex, Term } from "./log-entry.ts";
import type { Member, MemberChange } from "./membership.ts";

/** Where a proposal stands in the log; not yet committed. */
export interface Accepted {
  readonly term: Term;
  readonly firstIndex: LogIndex;
  readonly count: number;
}

/**
 * Faults are the leader's own, and: E_PEER_UNREACHABLE when nothing was sent for sure,
 * E_OUTCOME_UNKNOWN when it may have been.
 *
 * @public
 */
export interface LeaderPort {
  propose(
    leader: Member,
    commands: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<Result<Accepted>>;
  /** Resolves once the change is committed. */
  changeMembership(
    leader: Member,
    changes: readonly MemberChange[],
    signal: AbortSignal,
  ): Promise<Result<void>>;
  /** Resolves once another node leads. */
  transferLeadership(
    leader: Member,
    target: NodeId | null,
    signal: AbortSignal,
  ): Promise<Result<void>>;
}

/**
 * What a majority knows. The only place that counts: every decision that needs a quorum asks here,
 * so that joint phases (both majorities) and learners (never counted) are decided once.
 */

import type { NodeId } from "../base/index.ts";
import type { Member, Membership } from "./membership.ts";

/** Reused between calls: groups are small, and this runs for every acknowledgement. */
const scratch: number[] = [];

/** The largest value that a majority of `members` has reached. */
function reachedByMajority(members: readonly Member[], reached: (id: NodeId) => number): number {
  let count = 0;
  for (const { id } of members) {
    // Insertion sort, largest first.
    const value = reached(id);
    let at = count++;
    for (; at > 0 && (scratch[at - 1] ?? 0) < value; at--) scratch[at] = scratch[at - 1] ?? 0;
    scratch[at] = value;
  }
  return scratch[count >> 1] ?? Number.NEGATIVE_INFINITY;
}

/**
 * The largest value that a quorum has reached: log indexes for committing, times for leases, rounds
 * for reads. Minus infinity when nobody votes.
 */
export function reachedByQuorum(
  { voters, outgoing }: Membership,
  reached: (id: NodeId) => number,
): number {
  if (voters.length === 0) return Number.NEGATIVE_INFINITY;
  const incoming = reachedByMajority(voters, reached);
  return outgoing === null ? incoming : Math.min(incoming, reachedByMajority(outgoing, reached));
}

export type VoteOutcome = "won" | "lost" | "pending";

/** What the votes cast so far decide; a voter that is not in `votes` has not answered. */
export function voteOutcome(
  membership: Membership,
  votes: ReadonlyMap<NodeId, boolean>,
): VoteOutcome {
  if (reachedByQuorum(membership, (id) => (votes.get(id) === true ? 1 : 0)) === 1) return "won";
  // Lost as soon as those who did not refuse are no quorum any more.
  const open = reachedByQuorum(membership, (id) => (votes.get(id) === false ? 0 : 1));
  return open === 1 ? "pending" : "lost";
}

/**
 * Stepping back: the one way in which a node becomes a follower, and when it will next campaign.
 */

import { fault, type NodeId } from "../base/index.ts";
import type { Term } from "./log-entry.ts";
import { isVoter } from "./membership.ts";
import { emit, refuse } from "./outbox.ts";
import { leaderIdOf, type RaftState } from "./state.ts";

/**
 * One to two election timeouts from now, drawn anew so that votes rarely split (Raft dissertation,
 * section 3.4). Low priority adds up to two more: such a node leads only if nobody better wakes up.
 */
export function drawElectionDeadline(state: RaftState): void {
  const { electionTimeoutMs } = state.options;
  const chance = state.random.uint32() / 2 ** 32;
  const reluctance = 2 * (1 - state.priority / 100);
  state.electionDeadlineMs = state.nowMs + electionTimeoutMs * (1 + chance + reluctance);
}

/** Nobody has to be asked, or waited for, when this node is the only voter. */
export function isOnlyVoter({ id, memberships }: RaftState): boolean {
  const { voters, outgoing } = memberships.latest.membership;
  return outgoing === null && voters.length === 1 && voters[0]?.id === id;
}

/** May this node lead at all? Being outvoted costs nothing, leading without the right to does. */
export function mayCampaign(state: RaftState): boolean {
  return (
    !state.removed &&
    !state.diskFull &&
    state.repair === null &&
    state.incoming?.installing !== true &&
    hasVoice(state)
  );
}

/**
 * A voter of any membership that may be the committed one, as far as this node can tell: the only
 * node that holds a change which excludes it must be able to lead until that change is agreed on
 * (dissertation, section 4.2.2).
 */
function hasVoice({ memberships, commitIndex, id }: RaftState): boolean {
  return memberships.since(commitIndex).some(({ membership }) => isVoter(membership, id));
}

/** `leaderId` is null while the leader of `term` is not known. */
export function becomeFollower(state: RaftState, term: Term, leaderId: NodeId | null): void {
  const before = leaderIdOf(state);
  const wasFollower = state.role.kind === "follower";
  if (term > state.term) adoptTerm(state, term);
  else if (wasFollower && before === leaderId) return;
  if (before !== leaderId || !wasFollower) abandonReads(state, leaderId);
  state.role = { kind: "follower", leaderId };
  if (!wasFollower) drawElectionDeadline(state);
  if (leaderId !== null && before !== leaderId) state.counters.leaderChanges++;
  emit(state, { kind: "role-changed", role: "follower", term: state.term, leaderId });
}

/** A new term, in which nobody has this node's vote yet. */
export function adoptTerm(state: RaftState, term: Term): void {
  state.term = term;
  state.votedFor = null;
  state.hardStateUnsaved = true;
}

/** Reads that were to be confirmed by a leadership that ended; the client asks again. */
export function abandonReads(state: RaftState, nextLeaderId: NodeId | null): void {
  const leaderLost = fault("E_LEADERSHIP_LOST", "the leader changed before it confirmed the read");
  const abandon = (id: number) => {
    state.counters.refusedReads++;
    refuse(state, id, leaderLost, nextLeaderId);
  };
  if (state.role.kind === "leader") {
    const { roundUnderWay, waitingReads } = state.role;
    for (const ticket of [...(roundUnderWay?.tickets ?? []), ...waitingReads]) {
      if (ticket.from === "client") abandon(ticket.id);
    }
  }
  const { forwardedReads } = state;
  for (const { id } of forwardedReads.underWay?.reads ?? []) abandon(id);
  for (const { id } of forwardedReads.waiting) abandon(id);
  forwardedReads.underWay = null;
  forwardedReads.waiting = [];
}

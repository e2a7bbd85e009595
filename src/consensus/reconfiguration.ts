/**
 * Changing who belongs to the group while it works (Raft dissertation, chapter 4): one change at a
 * time, never before the leader's own no-op is committed, joint phases left automatically,
 * learners promoted when they have caught up.
 */

import { type Fault, fault } from "../base/index.ts";
import type { RaftEvent } from "./event.ts";
import { appendAsLeader, notLeader, reasonToRefuse } from "./leader-log.ts";
import { changed, left, type Membership } from "./membership.ts";
import { emit, refuse } from "./outbox.ts";
import { isInContact, type Progress } from "./progress.ts";
import { reachedByQuorum } from "./quorum.ts";
import { trackPeers } from "./replication.ts";
import { becomeFollower } from "./role.ts";
import type { Leader, RaftState } from "./state.ts";
import { handOverBeforeLeaving } from "./transfer.ts";

export function onChangeMembership(
  state: RaftState,
  { id, changes }: Extract<RaftEvent, { readonly kind: "change-membership" }>,
): void {
  const { role } = state;
  if (role.kind !== "leader") {
    refuse(state, id, notLeader);
    return;
  }
  const reason = reasonToRefuse(state, role) ?? reasonToWait(state, role);
  if (reason !== null) {
    refuse(state, id, reason);
    return;
  }
  const next = changed(state.memberships.latest.membership, changes);
  if (!next.ok) {
    refuse(state, id, next.fault);
    return;
  }
  if (!isReachable(state, role, next.value)) {
    const message = "too few voters of the membership asked for are in contact and able to vote";
    refuse(state, id, fault("E_QUORUM_AT_RISK", message, "bring more of them up first"));
    return;
  }
  const { term, index } = changeTo(state, role, next.value);
  emit(state, { kind: "accepted", id, term, firstIndex: index, count: 1 });
}

/**
 * Two memberships under way at once may have majorities that do not overlap; so may two leaders'
 * single changes, unless each first commits an entry of its own term (the flaw in section 4.1 that
 * its author reported to raft-dev in July 2015).
 */
function reasonToWait({ memberships, commitIndex }: RaftState, leader: Leader): Fault | null {
  if (commitIndex < leader.termStart) {
    return fault("E_CHANGE_PENDING", "the leader is new and has not committed anything yet");
  }
  if (memberships.latest.index > commitIndex) {
    return fault("E_CHANGE_PENDING", "the last membership change is not committed yet");
  }
  return null;
}

function changeTo(state: RaftState, leader: Leader, membership: Membership) {
  const position = appendAsLeader(state, leader, { kind: "membership", membership });
  trackPeers(state, leader);
  return position;
}

/** A change that could never commit would block every later one (etcd's strict reconfiguration). */
function isReachable(state: RaftState, { peers }: Leader, membership: Membership): boolean {
  const inContact = (id: Progress["id"]) => {
    const peer = peers.get(id);
    return id === state.id || (peer?.votes === true && isInContact(peer, state)) ? 1 : 0;
  };
  return reachedByQuorum(membership, inContact) === 1;
}

/** What a committed membership leads to; at the end of each step. */
export function continueChange(state: RaftState, leader: Leader): void {
  const { memberships, commitIndex } = state;
  const { index, membership } = memberships.latest;
  if (index > commitIndex || commitIndex < leader.termStart) return;
  if (membership.outgoing !== null) {
    changeTo(state, leader, left(membership));
  } else if (!membership.voters.some(({ id }) => id === state.id)) {
    // It led the group as long as that was needed to agree on its own departure (4.2.2).
    handOverBeforeLeaving(state, leader);
    becomeFollower(state, state.term, null);
  } else if (leader.transfer === null) promoteNext(state, leader, membership);
}

/** One at a time: single changes need no joint phase. */
function promoteNext(state: RaftState, leader: Leader, membership: Membership): void {
  for (const { id, promote } of membership.learners) {
    const peer = leader.peers.get(id);
    if (!promote || peer === undefined || !hasCaughtUp(state, peer)) continue;
    const next = changed(membership, [{ kind: "promote", id }]);
    if (!next.ok || !isReachable(state, leader, next.value)) continue;
    changeTo(state, leader, next.value);
    return;
  }
}

/**
 * Caught up means: a round of replication, up to where the log ended when it began, took less than
 * an election timeout; a promotion then stops nobody for longer than an election would (4.2.1).
 */
function hasCaughtUp(state: RaftState, peer: Progress): boolean {
  const { nowMs, log, options } = state;
  if (peer.mode !== "replicate" || !isInContact(peer, state)) {
    peer.catchUp = null;
    return false;
  }
  peer.catchUp ??= { endIndex: log.lastIndex, startedMs: nowMs };
  if (peer.matchIndex < peer.catchUp.endIndex) return false;
  const quick = nowMs - peer.catchUp.startedMs < options.electionTimeoutMs;
  peer.catchUp = null;
  return quick;
}

/**
 * How a leader is chosen (Raft dissertation, sections 3.4, 3.6.1 and 9.6): first a pre-vote, which
 * disturbs nobody, then the vote. Voters protect a leader they hear of (section 4.2.3).
 */

import { appendAsLeader } from "./leader-log.ts";
import { asTerm, atLeastAsCurrent, type LogPosition, type Term } from "./log-entry.ts";
import { membersOf } from "./membership.ts";
import type { Message, MessageOf } from "./message.ts";
import { emit, send, sendOnceDurable } from "./outbox.ts";
import { voteOutcome } from "./quorum.ts";
import { trackPeers } from "./replication.ts";
import {
  abandonReads,
  adoptTerm,
  becomeFollower,
  drawElectionDeadline,
  isOnlyVoter,
  mayCampaign,
} from "./role.ts";
import type { Leader, RaftState } from "./state.ts";
import { yieldPauseTimeouts } from "./transfer.ts";

/** The election timer has run out. */
export function campaignWhenDue(state: RaftState): void {
  if (state.role.kind === "leader") return;
  const alone = isOnlyVoter(state);
  if (!alone && state.nowMs < state.electionDeadlineMs) return;
  drawElectionDeadline(state);
  if (!mayCampaign(state)) {
    // Nobody was heard for a while: do not send clients to a leader that may be gone.
    if (state.role.kind !== "follower" || state.role.leaderId !== null) {
      becomeFollower(state, state.term, null);
    }
    return;
  }
  if (!alone) {
    campaignForPreVotes(state);
    return;
  }
  // Our own vote is on its way to the disk; nobody else's is needed.
  if (state.role.kind !== "candidate") campaign(state, false);
}

/** Would I win? Asked without touching the term, so a cut-off node comes back quietly (9.6). */
function campaignForPreVotes(state: RaftState): void {
  abandonReads(state, null);
  state.role = { kind: "pre-candidate", votes: new Map([[state.id, true]]) };
  state.counters.electionsStarted++;
  announce(state);
  const last = lastPosition(state);
  const request = { kind: "pre-vote-request" as const, last };
  for (const voter of otherVoters(state)) send(state, voter, request, nextTerm(state));
}

/** `transfer`: the leader asked for it, so neither pre-vote nor its followers' loyalty apply. */
export function campaign(state: RaftState, transfer: boolean): void {
  abandonReads(state, null);
  adoptTerm(state, nextTerm(state));
  state.votedFor = state.id;
  // A half-received snapshot belongs to a leader this node no longer waits for.
  state.incoming = null;
  state.role = { kind: "candidate", votes: new Map(), transfer };
  state.counters.electionsStarted++;
  drawElectionDeadline(state);
  announce(state);
  // Held back until the term is durable: a grant that outlives a crash of this node must not meet
  // a shorter log than the one it was given for. The vote for ourselves takes the same way.
  const last = lastPosition(state);
  sendOnceDurable(state, state.id, { kind: "vote-reply", granted: true });
  for (const voter of otherVoters(state)) {
    sendOnceDurable(state, voter, { kind: "vote-request", last, transfer });
  }
}

const nextTerm = (state: RaftState): Term => asTerm(state.term + 1);

function otherVoters({ memberships, id }: RaftState) {
  const { membership } = memberships.latest;
  const voters = membersOf({ ...membership, learners: [] });
  return voters.map((voter) => voter.id).filter((voter) => voter !== id);
}

/** Positions are copied out of entries: a message should not carry a whole entry along. */
function lastPosition({ log }: RaftState): LogPosition {
  return { index: log.last.index, term: log.last.term };
}

/**
 * A node that hears a leader, or is one, helps nobody to replace it. This keeps nodes with a
 * one-way link or a stale membership from disturbing (4.2.3), and it is the promise that leases
 * rest on.
 */
export function protectsLeader(state: RaftState): boolean {
  if (state.role.kind === "leader") return true;
  return state.nowMs - state.lastLeaderContactMs < state.options.electionTimeoutMs;
}

/** Asks the same as a vote request would, but promises nothing and changes nothing. */
export function onPreVoteRequest(state: RaftState, message: MessageOf<"pre-vote-request">): void {
  const granted =
    message.term > state.term &&
    state.repair === null &&
    !state.diskFull &&
    !protectsLeader(state) &&
    atLeastAsCurrent(message.last, state.log.last);
  const term = granted ? message.term : state.term;
  send(state, message.from, { kind: "pre-vote-reply", granted }, term);
}

/** At most one vote a term, to a log that has all this one may know to be committed (3.6.1). */
export function onVoteRequest(state: RaftState, message: MessageOf<"vote-request">): void {
  const { from, last } = message;
  const free =
    state.votedFor === from ||
    (state.votedFor === null && state.role.kind === "follower" && state.role.leaderId === null);
  const granted = free && state.repair === null && atLeastAsCurrent(last, state.log.last);
  if (!granted) {
    send(state, from, { kind: "vote-reply", granted });
    return;
  }
  if (state.votedFor === null) {
    state.votedFor = from;
    state.hardStateUnsaved = true;
  }
  drawElectionDeadline(state);
  sendOnceDurable(state, from, { kind: "vote-reply", granted });
}

export function onPreVoteReply(state: RaftState, { from, granted }: MessageOf<"pre-vote-reply">) {
  const { role } = state;
  if (role.kind !== "pre-candidate") return;
  role.votes.set(from, granted);
  const outcome = voteOutcome(state.memberships.latest.membership, role.votes);
  if (outcome === "won") campaign(state, false);
  else if (outcome === "lost") becomeFollower(state, state.term, null);
}

export function onVoteReply(state: RaftState, { from, granted }: Message & { granted: boolean }) {
  const { role } = state;
  if (role.kind !== "candidate") return;
  role.votes.set(from, granted);
  const outcome = voteOutcome(state.memberships.latest.membership, role.votes);
  if (outcome === "won") becomeLeader(state);
  else if (outcome === "lost") becomeFollower(state, state.term, null);
}

/** Its first entry is a no-op of its own term: only that may commit what came before (6.4). */
function becomeLeader(state: RaftState): void {
  const leader: Leader = {
    kind: "leader",
    peers: new Map(),
    termStart: state.log.lastIndex + 1,
    nextHeartbeatMs: state.nowMs,
    uncommittedBytes: 0,
    round: 0,
    roundUnderWay: null,
    waitingReads: [],
    transfer: null,
    leaseForfeited: false,
    nextYieldMs: state.nowMs + yieldPauseTimeouts * state.options.electionTimeoutMs,
  };
  trackPeers(state, leader);
  state.role = leader;
  state.counters.leaderChanges++;
  announce(state);
  appendAsLeader(state, leader, { kind: "no-op" });
}

function announce(state: RaftState): void {
  const { role, term, id } = state;
  const leaderId = role.kind === "leader" ? id : null;
  emit(state, { kind: "role-changed", role: role.kind, term, leaderId });
}

/**
 * Linearizable reads without writing to the log (Raft dissertation, section 6.4): learn how far the
 * group had committed when the read was asked for, make sure of the leader, wait until that much is
 * applied here. Followers ask the leader and read their own state machine.
 */

import { type Fault, fault } from "../base/index.ts";
import type { RequestId } from "./event.ts";
import type { LogIndex } from "./log-entry.ts";
import { isVoter } from "./membership.ts";
import type { MessageOf, ReadMode } from "./message.ts";
import { leaseMs } from "./options.ts";
import { emit, refuse, send } from "./outbox.ts";
import { reachedByQuorum } from "./quorum.ts";
import { isOnlyVoter } from "./role.ts";
import type { Leader, RaftState, ReadTicket } from "./state.ts";

const noLeader = fault("E_NO_LEADER", "no leader is known", "ask again when one is elected");
const readTimeout = fault("E_READ_TIMEOUT", "the leader did not confirm the read in time");
const tooManyReads = fault("E_OVERLOADED", "too many reads wait", "ask again in a moment");

export function onRead(state: RaftState, id: RequestId, mode: ReadMode): void {
  const { role, options, forwardedReads } = state;
  const waiting =
    role.kind === "leader"
      ? role.waitingReads.length + (role.roundUnderWay?.tickets.length ?? 0)
      : forwardedReads.waiting.length + (forwardedReads.underWay?.reads.length ?? 0);
  if (waiting + state.readsAwaitingApply.length >= options.maxPendingReads) {
    refuseRead(state, id, tooManyReads);
    return;
  }
  if (role.kind === "leader") {
    confirmAsLeader(state, role, { from: "client", id }, mode);
  } else if (role.kind === "follower" && role.leaderId !== null) {
    const deadlineMs = state.nowMs + options.readTimeoutMs;
    forwardedReads.waiting.push({ id, mode, deadlineMs });
  } else refuseRead(state, id, noLeader);
}

export function onReadRequest(
  state: RaftState,
  { from, request, mode }: MessageOf<"read-request">,
): void {
  const { role, options } = state;
  // A follower that asks the wrong node, or a busy one, asks again.
  if (role.kind !== "leader" || role.waitingReads.length >= options.maxPendingReads) return;
  confirmAsLeader(state, role, { from: "follower", peer: from, request }, mode);
}

function confirmAsLeader(state: RaftState, leader: Leader, ticket: ReadTicket, mode: ReadMode) {
  // Until its own no-op is committed, a leader does not know what earlier ones had committed.
  const settled = state.commitIndex >= leader.termStart;
  if (settled && (isOnlyVoter(state) || (mode === "lease" && holdsLease(state, leader)))) {
    confirmed(state, ticket, state.commitIndex);
  } else leader.waitingReads.push(ticket);
}

/**
 * True while no other leader can have been elected: a quorum has answered heartbeats sent within
 * the lease, and each of them refuses votes for longer than that (dissertation, section 6.4.1).
 */
export function holdsLease(state: RaftState, leader: Leader): boolean {
  const { membership } = state.memberships.latest;
  // A leader on its way out counts on others only, and one that is left as the only voter campaigns
  // without waiting: whoever is no voter itself has no lease.
  if (leader.leaseForfeited || !isVoter(membership, state.id)) return false;
  const heardAtMs = reachedByQuorum(membership, (voter) =>
    voter === state.id
      ? state.nowMs
      : (leader.peers.get(voter)?.ackedSentAtMs ?? Number.NEGATIVE_INFINITY),
  );
  return state.nowMs < heardAtMs + leaseMs(state.options);
}

/**
 * Starts a round for the reads that wait, unless one is under way: those that arrive meanwhile
 * share the next. True when heartbeats should leave now.
 */
export function startReadRound(state: RaftState, leader: Leader): boolean {
  if (leader.roundUnderWay !== null || leader.waitingReads.length === 0) return false;
  if (state.commitIndex < leader.termStart) return false;
  leader.round++;
  const tickets = leader.waitingReads;
  leader.roundUnderWay = { round: leader.round, readIndex: state.commitIndex, tickets };
  leader.waitingReads = [];
  return true;
}

/**
 * A majority that answers a heartbeat sent after the read proves that this was still the leader.
 */
export function finishReadRound(state: RaftState, leader: Leader): void {
  const underWay = leader.roundUnderWay;
  if (underWay === null) return;
  const acked = reachedByQuorum(state.memberships.latest.membership, (voter) =>
    voter === state.id ? leader.round : (leader.peers.get(voter)?.ackedRound ?? 0),
  );
  if (acked < underWay.round) return;
  leader.roundUnderWay = null;
  for (const ticket of underWay.tickets) confirmed(state, ticket, underWay.readIndex);
}

function confirmed(state: RaftState, ticket: ReadTicket, readIndex: LogIndex): void {
  if (ticket.from === "client") awaitApply(state, ticket.id, readIndex);
  else send(state, ticket.peer, { kind: "read-reply", request: ticket.request, readIndex });
}

function awaitApply(state: RaftState, id: RequestId, readIndex: LogIndex): void {
  if (readIndex <= state.appliedIndex) emit(state, { kind: "read-ready", id, readIndex });
  else state.readsAwaitingApply.push({ id, readIndex });
}

/** The state machine has moved on. */
export function releaseReads(state: RaftState): void {
  if (state.readsAwaitingApply.length === 0) return;
  state.readsAwaitingApply = state.readsAwaitingApply.filter(({ id, readIndex }) => {
    if (readIndex > state.appliedIndex) return true;
    emit(state, { kind: "read-ready", id, readIndex });
    return false;
  });
}

/** Asks the leader for all reads that wait here; asks again what it left unanswered. */
export function forwardReads(state: RaftState): void {
  const { role, forwardedReads, options, incarnation } = state;
  if (role.kind !== "follower" || role.leaderId === null) return;
  if (forwardedReads.underWay === null && forwardedReads.waiting.length > 0) {
    const request = { incarnation, sequence: ++forwardedReads.sequence };
    const reads = forwardedReads.waiting;
    const mode = reads.every((read) => read.mode === "lease") ? "lease" : "linearizable";
    forwardedReads.underWay = { request, reads, mode, retryAtMs: state.nowMs };
    forwardedReads.waiting = [];
  }
  const { underWay } = forwardedReads;
  if (underWay === null || state.nowMs < underWay.retryAtMs) return;
  underWay.retryAtMs = state.nowMs + options.heartbeatMs;
  const { request, mode } = underWay;
  send(state, role.leaderId, { kind: "read-request", request, mode });
}

export function onReadReply(state: RaftState, message: MessageOf<"read-reply">): void {
  const { request, readIndex } = message;
  const { underWay } = state.forwardedReads;
  if (underWay === null) return;
  const { incarnation, sequence } = underWay.request;
  if (request.incarnation !== incarnation || request.sequence !== sequence) return;
  state.forwardedReads.underWay = null;
  for (const { id } of underWay.reads) awaitApply(state, id, readIndex);
}

/** Gives up reads that nobody confirmed in time. */
export function expireReads(state: RaftState): void {
  const { forwardedReads } = state;
  const alive = ({ id, deadlineMs }: { id: RequestId; deadlineMs: number }) => {
    if (state.nowMs < deadlineMs) return true;
    refuseRead(state, id, readTimeout);
    return false;
  };
  const { underWay } = forwardedReads;
  if (underWay !== null) {
    const reads = underWay.reads.filter(alive);
    forwardedReads.underWay = reads.length === 0 ? null : { ...underWay, reads };
  }
  if (forwardedReads.waiting.length > 0) {
    forwardedReads.waiting = forwardedReads.waiting.filter(alive);
  }
}

function refuseRead(state: RaftState, id: RequestId, reason: Fault): void {
  state.counters.refusedReads++;
  refuse(state, id, reason);
}

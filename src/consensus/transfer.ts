/**
 * Handing leadership over (Raft dissertation, section 3.10): bring the target up to date while
 * refusing new work, tell it to campaign at once, and take up work again if it does not.
 */

import { fault, type NodeId } from "../base/index.ts";
import type { RequestId } from "./event.ts";
import { notLeader } from "./leader-log.ts";
import { emit, refuse, send } from "./outbox.ts";
import { isInContact, type Progress } from "./progress.ts";
import type { Leader, RaftState } from "./state.ts";

/** How many election timeouts pass between two attempts to hand over to a better placed node. */
export const yieldPauseTimeouts = 20;

export function onTransferLeadership(state: RaftState, id: RequestId, wanted: NodeId | null): void {
  const { role } = state;
  if (role.kind !== "leader") {
    refuse(state, id, notLeader);
    return;
  }
  if (role.transfer !== null) {
    const message = `leadership is being handed to ${role.transfer.target}`;
    refuse(state, id, fault("E_TRANSFER_IN_PROGRESS", message));
    return;
  }
  const target = wanted ?? bestSuccessor(state, role)?.id ?? null;
  if (target === null || target === state.id || !isTarget(state, role, target)) {
    const message =
      target === null || target === state.id
        ? "no other voter is in contact and could take over"
        : `${target} is no voter in contact that could take over`;
    refuse(state, id, fault("E_NO_SUCCESSOR", message));
    return;
  }
  startTransfer(state, role, target);
  emit(state, { kind: "transfer-started", id, target });
}

function startTransfer(state: RaftState, leader: Leader, target: NodeId): void {
  // One election timeout, after which clients have waited long enough (3.10).
  const deadlineMs = state.nowMs + state.options.electionTimeoutMs;
  leader.transfer = { target, deadlineMs, sent: false };
}

/** Sends the order once the target has everything; called at the end of each step. */
export function completeTransfer(state: RaftState, leader: Leader): void {
  const { transfer } = leader;
  if (transfer === null || transfer.sent) return;
  const peer = leader.peers.get(transfer.target);
  if (peer === undefined || peer.matchIndex < state.log.lastIndex) return;
  transfer.sent = true;
  orderElection(state, leader, transfer.target);
}

/** From here on the target may be elected whenever the message gets there. */
function orderElection(state: RaftState, leader: Leader, target: NodeId): void {
  leader.leaseForfeited = true;
  send(state, target, { kind: "timeout-now" });
}

export function expireTransfer(state: RaftState, leader: Leader): void {
  const { transfer } = leader;
  if (transfer === null) return;
  const { id } = state;
  const gone = id !== transfer.target && !leader.peers.has(transfer.target);
  if (gone || state.nowMs >= transfer.deadlineMs) leader.transfer = null;
}

/** A leader on its way out spares the group the wait for an election timeout. */
export function handOverBeforeLeaving(state: RaftState, leader: Leader): void {
  const successor = bestSuccessor(state, leader);
  if (successor !== null && successor.matchIndex === state.log.lastIndex) {
    orderElection(state, leader, successor.id);
  }
}

/**
 * Lets a better placed node lead: one of higher priority that is in contact and has all that is
 * committed. A full disk counts as priority zero. Tried rarely, so that two nodes cannot juggle.
 */
export function yieldToPriority(state: RaftState, leader: Leader): void {
  if (leader.transfer !== null || state.nowMs < leader.nextYieldMs) return;
  const own = state.diskFull ? -1 : state.priority;
  const successor = bestSuccessor(state, leader);
  if (successor === null || successor.priority <= own) return;
  if (successor.matchIndex < state.commitIndex) return;
  leader.nextYieldMs = state.nowMs + yieldPauseTimeouts * state.options.electionTimeoutMs;
  startTransfer(state, leader, successor.id);
}

function isTarget(state: RaftState, { peers }: Leader, id: NodeId): boolean {
  const stays = state.memberships.latest.membership.voters.some((voter) => voter.id === id);
  const peer = peers.get(id);
  return stays && peer?.votes === true && isInContact(peer, state);
}

/** The most willing voter in contact, and among equals the one with the most of the log. */
function bestSuccessor(state: RaftState, leader: Leader): Progress | null {
  let best: Progress | null = null;
  for (const peer of leader.peers.values()) {
    if (!isTarget(state, leader, peer.id)) continue;
    const better =
      best === null ||
      peer.priority > best.priority ||
      (peer.priority === best.priority && peer.matchIndex > best.matchIndex);
    if (better) best = peer;
  }
  return best;
}

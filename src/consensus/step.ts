/**
 * The one door into the protocol: events in, effects out. All events of a turn go in together, so
 * that they share one disk write and one message per follower; effects are whatever must happen
 * now.
 */

import { assert, type NodeId, unreachable } from "../base/index.ts";
import { applyCommitted, commitByCounting } from "./commit.ts";
import type { Effect } from "./effect.ts";
import { campaignWhenDue, onVoteReply } from "./election.ts";
import type { RaftEvent } from "./event.ts";
import { propose } from "./leader-log.ts";
import { heartbeat, onLeaderTick } from "./leadership.ts";
import { issueWrite, releaseDurable } from "./outbox.ts";
import { toProbe } from "./progress.ts";
import {
  expireReads,
  finishReadRound,
  forwardReads,
  onRead,
  releaseReads,
  startReadRound,
} from "./reading.ts";
import { onMessage } from "./receive.ts";
import { continueChange, onChangeMembership } from "./reconfiguration.ts";
import { endRepair } from "./repair.ts";
import { replicate } from "./replication.ts";
import { drawElectionDeadline, isOnlyVoter, mayCampaign } from "./role.ts";
import { onChunkWritten, onSnapshotInstalled, orderInstall } from "./snapshot-receiving.ts";
import { onChunkRead, onSnapshotTaken, wantSnapshot } from "./snapshot-sending.ts";
import type { RaftState } from "./state.ts";
import { completeTransfer, onTransferLeadership } from "./transfer.ts";

/**
 * Carries out everything that follows from `events` at `nowMs` (monotonic, never going back).
 * Deterministic; changes `state` in place; the effects returned are the caller's to keep.
 */
export function step(state: RaftState, events: readonly RaftEvent[], nowMs: number): Effect[] {
  if (state.halted) return [];
  assert(nowMs >= state.nowMs, "time that does not go back");
  state.nowMs = nowMs;
  for (const event of events) {
    handle(state, event);
    if (state.halted) break;
  }
  if (!state.halted) settle(state);
  const { effects } = state;
  state.effects = [];
  return effects;
}

/** What all events of the step lead to together. */
function settle(state: RaftState): void {
  for (const message of releaseDurable(state)) {
    if (message.kind === "vote-reply") onVoteReply(state, message);
  }
  if (state.role.kind === "leader") {
    commitByCounting(state, state.role);
    continueChange(state, state.role);
  }
  if (state.role.kind === "leader") {
    if (startReadRound(state, state.role)) {
      heartbeat(state, state.role);
      finishReadRound(state, state.role);
    }
    replicate(state, state.role);
    completeTransfer(state, state.role);
  } else forwardReads(state);
  endRepair(state);
  issueWrite(state);
  orderInstall(state);
  applyCommitted(state);
  wantSnapshot(state);
}

function handle(state: RaftState, event: RaftEvent): void {
  switch (event.kind) {
    case "tick":
      onTick(state);
      break;
    case "message":
      onMessage(state, event.message);
      break;
    case "propose":
      propose(state, event);
      break;
    case "change-membership":
      onChangeMembership(state, event);
      break;
    case "transfer-leadership":
      onTransferLeadership(state, event.id, event.target);
      break;
    case "read":
      onRead(state, event.id, event.mode);
      break;
    case "persisted":
      assert(event.token <= state.issuedToken, "a token that was issued");
      state.persistedToken = Math.max(state.persistedToken, event.token);
      state.log.persisted(event.token);
      break;
    case "applied":
      assert(event.index <= state.applyingIndex, "an index that was handed out");
      state.appliedIndex = Math.max(state.appliedIndex, event.index);
      releaseReads(state);
      break;
    case "snapshot-taken":
      onSnapshotTaken(state, event.snapshot);
      break;
    case "snapshot-chunk-read":
      if (state.role.kind === "leader") onChunkRead(state, state.role, event);
      break;
    case "snapshot-chunk-written":
      onChunkWritten(state, event);
      break;
    case "snapshot-installed":
      onSnapshotInstalled(state, event);
      break;
    case "peer-unreachable":
      onPeerUnreachable(state, event.peer);
      break;
    case "disk-full":
      onDiskFull(state, event.full);
      break;
    case "priority":
      onPriority(state, Math.min(100, Math.max(0, event.priority)));
      break;
    default:
      unreachable(event);
  }
}

function onTick(state: RaftState): void {
  expireReads(state);
  if (state.role.kind === "leader") onLeaderTick(state, state.role);
  else campaignWhenDue(state);
}

function onPeerUnreachable({ role }: RaftState, id: NodeId): void {
  const peer = role.kind === "leader" ? role.peers.get(id) : undefined;
  // A stream that broke lost some of what was in flight; a transfer goes on by itself.
  if (peer?.mode === "replicate") toProbe(peer);
}

function onPriority(state: RaftState, priority: number): void {
  const lowered = priority < state.priority;
  state.priority = priority;
  // The deadline that stands was drawn by a more willing node.
  if (lowered) drawElectionDeadline(state);
}

function onDiskFull(state: RaftState, full: boolean): void {
  state.diskFull = full;
  if (full && state.role.kind === "leader") state.role.nextYieldMs = state.nowMs;
}

/** When the next tick is due, on the clock of `step`; a tick too early does no harm. */
export function nextWakeMs(state: RaftState): number {
  if (state.halted) return Number.POSITIVE_INFINITY;
  if (state.role.kind === "leader") {
    // Alone there is nobody to tell, and an idle board may sleep.
    const alone = state.role.peers.size === 0 && state.role.transfer === null;
    return alone ? Number.POSITIVE_INFINITY : state.role.nextHeartbeatMs;
  }
  // A single voter has nobody to wait for.
  const startsAlone = state.role.kind === "follower" && isOnlyVoter(state) && mayCampaign(state);
  if (startsAlone) return state.nowMs;
  const retryAtMs = state.forwardedReads.underWay?.retryAtMs ?? Number.POSITIVE_INFINITY;
  return Math.min(state.electionDeadlineMs, retryAtMs);
}

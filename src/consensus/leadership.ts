/**
 * What a leader does as time passes: heartbeats, the check that it still has a quorum
 * (Raft dissertation, section 6.2), handing over, and catching up learners.
 */

import type { MessageOf } from "./message.ts";
import { send } from "./outbox.ts";
import type { Progress } from "./progress.ts";
import { reachedByQuorum } from "./quorum.ts";
import { finishReadRound } from "./reading.ts";
import { dropDeparted, sendAppend } from "./replication.ts";
import { becomeFollower } from "./role.ts";
import { retryTransfer } from "./snapshot-sending.ts";
import type { Leader, RaftState } from "./state.ts";
import { expireTransfer, yieldToPriority } from "./transfer.ts";

export function onLeaderTick(state: RaftState, leader: Leader): void {
  if (!hearsQuorum(state, leader)) {
    // Somebody else may lead by now; clients should hear so soon rather than wait.
    becomeFollower(state, state.term, null);
    return;
  }
  expireTransfer(state, leader);
  if (state.nowMs < leader.nextHeartbeatMs) return;
  heartbeat(state, leader);
  dropDeparted(state, leader);
  for (const peer of leader.peers.values()) retryTransfer(state, peer);
  yieldToPriority(state, leader);
}

export function heartbeat(state: RaftState, leader: Leader): void {
  leader.nextHeartbeatMs = state.nowMs + state.options.heartbeatMs;
  for (const peer of leader.peers.values()) {
    // Never beyond what the follower has: more than it acknowledged may differ from our log.
    const commitIndex = Math.min(state.commitIndex, peer.matchIndex);
    const { round } = leader;
    send(state, peer.id, { kind: "heartbeat", commitIndex, round, sentAtMs: state.nowMs });
  }
}

function hearsQuorum(state: RaftState, { peers }: Leader): boolean {
  const { membership } = state.memberships.latest;
  const heardAtMs = reachedByQuorum(membership, (voter) =>
    voter === state.id
      ? state.nowMs
      : (peers.get(voter)?.lastContactMs ?? Number.NEGATIVE_INFINITY),
  );
  return state.nowMs - heardAtMs < state.options.electionTimeoutMs;
}

export function onHeartbeatReply(
  state: RaftState,
  leader: Leader,
  peer: Progress,
  { round, sentAtMs, priority, votes }: MessageOf<"heartbeat-reply">,
): void {
  peer.priority = priority;
  peer.votes = votes;
  if (sentAtMs > peer.ackedSentAtMs) peer.ackedSentAtMs = sentAtMs;
  if (round > peer.ackedRound) {
    peer.ackedRound = round;
    finishReadRound(state, leader);
  }
  if (peer.mode === "snapshot") return;
  // It lives, yet may have missed something: ask anew, at the end of the step or right here. What
  // it has but cannot confirm yet, for a slow disk, costs it one empty message and nothing more.
  peer.probing = false;
  const { nextIndex, matchIndex, inflight, mode } = peer;
  const stalled = nextIndex > state.log.lastIndex || inflight.full(state.options.maxInflightBytes);
  if (mode === "replicate" && matchIndex < state.log.lastIndex && stalled) sendAppend(state, peer);
}

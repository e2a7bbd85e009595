/**
 * What a message means before its content does: whose it is, of which term, and who must therefore
 * answer it, follow it or drop it.
 */

import { unreachable } from "../base/index.ts";
import {
  campaign,
  onPreVoteReply,
  onPreVoteRequest,
  onVoteReply,
  onVoteRequest,
  protectsLeader,
} from "./election.ts";
import { onAppend, onHeartbeat } from "./following.ts";
import { onHeartbeatReply } from "./leadership.ts";
import { type Message, protocolVersion } from "./message.ts";
import { isWellFormed } from "./message-check.ts";
import { send } from "./outbox.ts";
import { onReadReply, onReadRequest } from "./reading.ts";
import { onAppendAccepted, onAppendRejected } from "./replication.ts";
import { becomeFollower, mayCampaign } from "./role.ts";
import { onSnapshotChunk } from "./snapshot-receiving.ts";
import { onSnapshotProgress } from "./snapshot-sending.ts";
import type { RaftState } from "./state.ts";

/**
 * Terms come first (dissertation, section 3.3): a newer one makes a follower, an older one no news.
 */
export function onMessage(state: RaftState, message: Message): void {
  const { clusterId, from, to, term } = message;
  const ours = clusterId === state.clusterId && message.protocolVersion === protocolVersion;
  if (!ours || to !== state.id || from === state.id || !isWellFormed(message)) {
    state.counters.foreignMessages++;
    return;
  }
  if (message.kind === "pre-vote-request") {
    onPreVoteRequest(state, message);
    return;
  }
  if (message.kind === "vote-request" && !message.transfer && protectsLeader(state)) {
    // Not even its term is looked at: whoever asks should hear the leader instead (4.2.3).
    state.counters.staleMessages++;
    return;
  }
  if (term < state.term) {
    onStaleMessage(state, message);
    return;
  }
  if (term > state.term) {
    // Granting a pre-vote is about a term that nobody is in yet.
    if (message.kind === "pre-vote-reply" && message.granted) {
      if (term === state.term + 1) onPreVoteReply(state, message);
      return;
    }
    becomeFollower(state, term, null);
  }
  dispatch(state, message);
}

/** A leader of the past must learn that it is one, or a node in a newer term could never rejoin. */
function onStaleMessage(state: RaftState, { kind, from }: Message): void {
  state.counters.staleMessages++;
  if (kind === "heartbeat" || kind === "append" || kind === "snapshot-chunk") {
    send(state, from, { kind: "term-notice" });
  } else if (kind === "vote-request") send(state, from, { kind: "vote-reply", granted: false });
}

/** The message is of this node's term. */
function dispatch(state: RaftState, message: Exclude<Message, { kind: "pre-vote-request" }>): void {
  switch (message.kind) {
    case "pre-vote-reply":
      onPreVoteReply(state, message);
      break;
    case "vote-request":
      onVoteRequest(state, message);
      break;
    case "vote-reply":
      onVoteReply(state, message);
      break;
    case "append":
      onAppend(state, message);
      break;
    case "heartbeat":
      onHeartbeat(state, message);
      break;
    case "snapshot-chunk":
      onSnapshotChunk(state, message);
      break;
    case "timeout-now":
      if (mayCampaign(state) && state.role.kind === "follower") campaign(state, true);
      break;
    case "read-request":
      onReadRequest(state, message);
      break;
    case "read-reply":
      onReadReply(state, message);
      break;
    case "append-accepted":
    case "append-rejected":
    case "heartbeat-reply":
    case "snapshot-progress":
      onFollowerReply(state, message);
      break;
    case "term-notice":
      // Its term was all it had to say.
      break;
    default:
      unreachable(message);
  }
}

type FollowerReply = Extract<
  Message,
  { kind: "append-accepted" | "append-rejected" | "heartbeat-reply" | "snapshot-progress" }
>;

function onFollowerReply(state: RaftState, message: FollowerReply): void {
  const { role } = state;
  if (role.kind !== "leader") return;
  const peer = role.peers.get(message.from);
  if (peer === undefined) return;
  peer.lastContactMs = state.nowMs;
  switch (message.kind) {
    case "append-accepted":
      onAppendAccepted(state, peer, message);
      break;
    case "append-rejected":
      onAppendRejected(state, peer, message);
      break;
    case "heartbeat-reply":
      onHeartbeatReply(state, role, peer, message);
      break;
    case "snapshot-progress":
      onSnapshotProgress(state, peer, message);
      break;
    default:
      unreachable(message);
  }
}

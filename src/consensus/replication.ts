/**
 * The leader's side of replication (Raft dissertation, section 3.5): what each follower is sent,
 * and what its answers mean. Messages are built once per step and follower, never per entry.
 */

import { entryBytes } from "./log-entry.ts";
import { isMember, membersOf } from "./membership.ts";
import type { MessageOf } from "./message.ts";
import { send } from "./outbox.ts";
import { freshProgress, type Progress, toProbe, toReplicate } from "./progress.ts";
import { beginTransfer } from "./snapshot-sending.ts";
import type { Leader, RaftState } from "./state.ts";

/** How many election timeouts a departing node is told of its removal before it is given up. */
const farewellTimeouts = 20;

/** Follows the latest membership: new members get a progress, departed ones a farewell. */
export function trackPeers(state: RaftState, { peers }: Leader): void {
  const { membership } = state.memberships.latest;
  const { maxInflightMessages, electionTimeoutMs } = state.options;
  for (const { id } of membersOf(membership)) {
    if (id === state.id) continue;
    const known = peers.get(id);
    if (known !== undefined) known.departsAtMs = null;
    else {
      // Its log is most likely much like ours; a refusal tells otherwise.
      const next = state.log.lastIndex + 1;
      peers.set(id, freshProgress(id, next, state.nowMs, maxInflightMessages));
    }
  }
  for (const peer of peers.values()) {
    if (isMember(membership, peer.id)) continue;
    // It should learn that it was removed, or it would go on asking for votes.
    peer.departsAtMs ??= state.nowMs + farewellTimeouts * electionTimeoutMs;
  }
}

/** Forgets departed nodes that know it, or had long enough to learn it. */
export function dropDeparted(state: RaftState, { peers }: Leader): void {
  const { index } = state.memberships.latest;
  for (const peer of peers.values()) {
    if (peer.departsAtMs === null) continue;
    const told = peer.matchIndex >= index && peer.ackedCommitIndex >= index;
    if (told || state.nowMs >= peer.departsAtMs) peers.delete(peer.id);
  }
}

/** Sends every follower all it may be sent now. */
export function replicate(state: RaftState, leader: Leader): void {
  for (const peer of leader.peers.values()) replicateTo(state, peer);
}

function replicateTo(state: RaftState, peer: Progress): void {
  const { lastIndex } = state.log;
  if (peer.mode === "replicate") {
    const { maxInflightBytes } = state.options;
    while (peer.nextIndex <= lastIndex && !peer.inflight.full(maxInflightBytes)) {
      if (!sendAppend(state, peer)) return;
    }
    // Those with nothing new to store should still hear at once what they may apply.
    if (peer.sentCommitIndex < state.commitIndex && peer.nextIndex > lastIndex) {
      sendAppend(state, peer);
    }
  } else if (peer.mode === "probe" && !peer.probing) {
    // An empty probe finds the place where the logs agree at no cost.
    sendAppend(state, peer);
  }
}

/** False when what it needs is compacted away, and a snapshot goes out instead. */
export function sendAppend(state: RaftState, peer: Progress): boolean {
  const { log, options, commitIndex } = state;
  const previousIndex = peer.nextIndex - 1;
  const previousTerm = log.termAt(previousIndex);
  if (previousTerm === null) {
    beginTransfer(state, peer);
    return false;
  }
  const room = !peer.inflight.full(options.maxInflightBytes);
  const entries = room
    ? log.slice(previousIndex, options.maxAppendBytes, options.maxAppendEntries)
    : [];
  const previous = { index: previousIndex, term: previousTerm };
  send(state, peer.id, { kind: "append", previous, entries, commitIndex });
  peer.sentCommitIndex = commitIndex;
  const last = entries[entries.length - 1];
  if (peer.mode === "probe") peer.probing = true;
  else if (last !== undefined) {
    let bytes = 0;
    for (const entry of entries) bytes += entryBytes(entry);
    peer.inflight.add(last.index, bytes);
    peer.nextIndex = last.index + 1;
  }
  return true;
}

export function onAppendAccepted(
  state: RaftState,
  peer: Progress,
  { matchIndex, commitIndex }: MessageOf<"append-accepted">,
): void {
  // More than was ever sent: from a log that was lost here, which cannot be, or from an impostor.
  if (matchIndex > state.log.lastIndex) {
    state.counters.foreignMessages++;
    return;
  }
  peer.ackedCommitIndex = Math.max(peer.ackedCommitIndex, commitIndex);
  if (matchIndex > peer.matchIndex) {
    peer.matchIndex = matchIndex;
    peer.nextIndex = Math.max(peer.nextIndex, matchIndex + 1);
  }
  if (peer.mode === "replicate") {
    peer.inflight.freeUpTo(matchIndex);
  } else if (peer.mode === "probe") {
    // Any acceptance proves agreement up to matchIndex, so streaming may start there.
    toReplicate(peer);
  } else if (
    peer.matchIndex >= Math.min(state.log.base.index, peer.transfer?.snapshot.index ?? 0)
  ) {
    // The snapshot is installed, or the log is enough without it. Should the log have moved on
    // meanwhile, the next append finds out and starts with a newer snapshot.
    toReplicate(peer);
  }
}

/**
 * Finds the next place to try. Follower and leader each skip a whole term per answer, so that even
 * logs that differ in thousands of entries meet after a few (section 3.5; etcd-io/raft's hints).
 */
export function onAppendRejected(
  state: RaftState,
  peer: Progress,
  { rejectedIndex, hint, repairing }: MessageOf<"append-rejected">,
): void {
  if (peer.mode === "snapshot") return;
  // It lost what it had acknowledged: what it holds must be found out from the start.
  if (repairing && hint.index < peer.matchIndex) peer.matchIndex = 0;
  // Old news: it has acknowledged that place, or we are already asking about another.
  else if (rejectedIndex <= peer.matchIndex) return;
  else if (peer.mode === "probe" && rejectedIndex !== peer.nextIndex - 1) return;
  const meeting = state.log.lastPositionWithin(Math.min(hint.index, rejectedIndex - 1), hint.term);
  const wasReplicating = peer.mode === "replicate";
  toProbe(peer);
  // After a stream broke, what is known to match is the surest and nearest place to start from.
  if (!wasReplicating || peer.matchIndex === 0) {
    peer.nextIndex = Math.max(meeting.index, peer.matchIndex) + 1;
  }
}

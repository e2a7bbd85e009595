/**
 * Bringing a follower up by snapshot when the log it needs is compacted away (Raft dissertation,
 * chapter 5): chunk by chunk, one on its way at a time, so that it costs neither memory nor the
 * others' latency.
 */

import type { RaftEvent } from "./event.ts";
import type { LogIndex } from "./log-entry.ts";
import type { MessageOf, SnapshotMeta } from "./message.ts";
import { emit, send } from "./outbox.ts";
import { isInContact, type Progress, toProbe } from "./progress.ts";
import type { Leader, RaftState } from "./state.ts";

export function beginTransfer(state: RaftState, peer: Progress): void {
  const { snapshot } = state;
  // Somebody who is away does not need it yet; wait for a sign of life before reading from disk.
  if (snapshot === null || !isInContact(peer, state)) {
    peer.probing = true;
    return;
  }
  toProbe(peer);
  peer.mode = "snapshot";
  peer.transfer = { snapshot, offset: 0, retryAtMs: 0 };
  state.counters.snapshotsSent++;
  readChunk(state, peer);
}

function readChunk(state: RaftState, peer: Progress): void {
  const { transfer } = peer;
  if (transfer === null) return;
  transfer.retryAtMs = state.nowMs + state.options.electionTimeoutMs;
  const { snapshot, offset } = transfer;
  const maxBytes = state.options.snapshotChunkBytes;
  const { index } = snapshot;
  emit(state, { kind: "read-snapshot-chunk", peer: peer.id, index, offset, maxBytes });
}

export function onChunkRead(
  state: RaftState,
  { peers }: Leader,
  event: Extract<RaftEvent, { readonly kind: "snapshot-chunk-read" }>,
): void {
  const peer = peers.get(event.peer);
  const transfer = peer?.transfer ?? null;
  if (peer === undefined || transfer === null) return;
  const { snapshot, offset } = transfer;
  if (snapshot.index !== event.index || offset !== event.offset) return;
  if (event.chunk === null) {
    // Replaced by a newer one meanwhile: the next probe starts with that.
    toProbe(peer);
    peer.probing = true;
    return;
  }
  transfer.retryAtMs = state.nowMs + state.options.electionTimeoutMs;
  const { bytes, done } = event.chunk;
  send(state, peer.id, { kind: "snapshot-chunk", snapshot, offset, bytes, done });
}

/** The follower has stored the chunk, or lost its place and says where it is. */
export function onSnapshotProgress(
  state: RaftState,
  peer: Progress,
  { index, nextOffset }: MessageOf<"snapshot-progress">,
): void {
  const { transfer } = peer;
  if (transfer === null || transfer.snapshot.index !== index) return;
  // What is asked for is on its way already.
  if (transfer.offset === nextOffset) return;
  transfer.offset = nextOffset;
  readChunk(state, peer);
}

/** Asks again for what got no answer; at every heartbeat. */
export function retryTransfer(state: RaftState, peer: Progress): void {
  const { transfer } = peer;
  if (transfer === null || state.nowMs < transfer.retryAtMs) return;
  if (isInContact(peer, state)) readChunk(state, peer);
}

/**
 * A new snapshot is on disk: lets go of the log it covers, but for a stretch that saves a briefly
 * absent follower from needing it, and for what a transfer under way will need next.
 */
export function onSnapshotTaken(state: RaftState, snapshot: SnapshotMeta): void {
  state.snapshotWanted = false;
  if (snapshot.index <= (state.snapshot?.index ?? 0)) return;
  state.snapshot = snapshot;
  const { log, memberships, options } = state;
  const retained = isTooLarge(state) ? 0 : options.retainedEntries;
  const upTo = Math.min(snapshot.index - retained, neededByTransfers(state));
  if (upTo > log.base.index) log.compactTo(upTo);
  memberships.compactTo(snapshot.index);
  emit(state, { kind: "compact", upTo: log.base, snapshot });
}

/** Retained entries may be large, and a transfer need not end: neither keeps a log of this weight. */
const isTooLarge = ({ log, options }: RaftState): boolean =>
  log.bytes > 4 * options.snapshotEveryBytes;

function neededByTransfers(state: RaftState): LogIndex {
  const { role } = state;
  if (role.kind !== "leader" || isTooLarge(state)) return Number.POSITIVE_INFINITY;
  let needed = Number.POSITIVE_INFINITY;
  for (const { transfer } of role.peers.values()) {
    if (transfer !== null) needed = Math.min(needed, transfer.snapshot.index);
  }
  return needed;
}

/** What a snapshot of the state machine as it is now stands for. */
export function snapshotMeta({
  appliedIndex,
  log,
  memberships,
  snapshot,
}: {
  readonly appliedIndex: LogIndex;
  readonly log: RaftState["log"];
  readonly memberships: RaftState["memberships"];
  readonly snapshot: SnapshotMeta | null;
}): SnapshotMeta | null {
  const term = log.termAt(appliedIndex);
  if (term === null || appliedIndex <= (snapshot?.index ?? 0)) return null;
  return { index: appliedIndex, term, membership: memberships.at(appliedIndex).membership };
}

/** Says once that the log has grown enough for another snapshot. */
export function wantSnapshot(state: RaftState): void {
  const { log, options, snapshot } = state;
  if (state.snapshotWanted || log.bytes < options.snapshotEveryBytes) return;
  // What is retained on purpose must not ask for a snapshot again and again.
  const retained = isTooLarge(state) ? 0 : options.retainedEntries;
  if (state.appliedIndex <= (snapshot?.index ?? 0) + retained) return;
  state.snapshotWanted = true;
  emit(state, { kind: "snapshot-wanted" });
}

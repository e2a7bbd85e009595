/** The follower's side of a snapshot transfer: chunks to disk in order, then all or nothing. */

import { commitTo, declareRemoved } from "./commit.ts";
import type { RaftEvent } from "./event.ts";
import { hearLeader } from "./following.ts";
import { isMember } from "./membership.ts";
import type { MessageOf } from "./message.ts";
import { emit, send, sendOnceDurable } from "./outbox.ts";
import { releaseReads } from "./reading.ts";
import type { IncomingSnapshot, RaftState } from "./state.ts";

export function onSnapshotChunk(state: RaftState, message: MessageOf<"snapshot-chunk">): void {
  hearLeader(state, message);
  const { snapshot, offset, bytes, done, from, term } = message;
  if (state.incoming?.installing === true) return;
  if (snapshot.index <= state.commitIndex || state.log.holds(snapshot)) {
    // The log has it already; a snapshot stands for committed entries only.
    commitTo(state, Math.max(state.commitIndex, snapshot.index));
    state.incoming = null;
    const { commitIndex } = state;
    const body = { kind: "append-accepted" as const, matchIndex: commitIndex, commitIndex };
    if (commitIndex <= state.log.durableIndex) send(state, from, body);
    else sendOnceDurable(state, from, body);
    return;
  }
  const before = sameSender(state.incoming, message);
  // A late chunk of an older snapshot: this leader has moved on to a newer one.
  if (before !== null && before.snapshot.index > snapshot.index) return;
  if (before?.snapshot.index !== snapshot.index) {
    const start = { nextOffset: 0, writing: null, installing: false, ordered: false };
    state.incoming = { from, term, snapshot, ...start };
  }
  const { incoming } = state;
  if (incoming === null || incoming.writing !== null) return;
  if (offset !== incoming.nextOffset) {
    reportProgress(state, incoming);
    return;
  }
  incoming.writing = { end: offset + bytes.length, done };
  emit(state, { kind: "write-snapshot-chunk", index: snapshot.index, offset, bytes });
}

/** The transfer under way, if it is of the same leader in the same term. */
function sameSender(
  incoming: IncomingSnapshot | null,
  { from, term }: MessageOf<"snapshot-chunk">,
): IncomingSnapshot | null {
  return incoming === null || incoming.from !== from || incoming.term !== term ? null : incoming;
}

function reportProgress(state: RaftState, { from, snapshot, nextOffset }: IncomingSnapshot): void {
  send(state, from, { kind: "snapshot-progress", index: snapshot.index, nextOffset });
}

export function onChunkWritten(
  state: RaftState,
  { index, offset }: Extract<RaftEvent, { readonly kind: "snapshot-chunk-written" }>,
): void {
  const { incoming } = state;
  if (incoming?.snapshot.index !== index || incoming.nextOffset !== offset) return;
  const { writing } = incoming;
  if (writing === null) return;
  incoming.nextOffset = writing.end;
  incoming.writing = null;
  if (!writing.done) {
    reportProgress(state, incoming);
    return;
  }
  if (index <= state.commitIndex) {
    // Entries were faster than the snapshot.
    state.incoming = null;
    return;
  }
  // From here on nothing more is appended; what this step has appended is written first.
  incoming.installing = true;
}

/** At the end of the step, after its write: on disk the snapshot must come last. */
export function orderInstall(state: RaftState): void {
  const { incoming } = state;
  if (incoming === null || !incoming.installing || incoming.ordered) return;
  incoming.ordered = true;
  emit(state, { kind: "install-snapshot", snapshot: incoming.snapshot });
}

export function onSnapshotInstalled(
  state: RaftState,
  { index, sound }: Extract<RaftEvent, { readonly kind: "snapshot-installed" }>,
): void {
  const { incoming } = state;
  if (incoming?.installing !== true || incoming.snapshot.index !== index) return;
  state.incoming = null;
  if (!sound) {
    const { from, snapshot } = incoming;
    send(state, from, { kind: "snapshot-progress", index: snapshot.index, nextOffset: 0 });
    return;
  }
  restore(state, incoming);
}

/** The state machine and the log are what the snapshot says; so is everything in memory now. */
function restore(state: RaftState, { snapshot, from, term }: IncomingSnapshot): void {
  const { memberships, id } = state;
  const { index } = snapshot;
  const wasMember = isMember(memberships.at(state.commitIndex).membership, id);
  state.log.resetTo(snapshot);
  memberships.resetTo({ index, membership: snapshot.membership });
  state.snapshot = snapshot;
  state.snapshotWanted = false;
  state.commitIndex = index;
  state.applyingIndex = index;
  state.appliedIndex = index;
  state.counters.snapshotsInstalled++;
  emit(state, { kind: "membership-changed", membership: snapshot.membership });
  if (wasMember && !isMember(snapshot.membership, id)) declareRemoved(state);
  releaseReads(state);
  if (term !== state.term) return;
  const body = { kind: "append-accepted" as const, matchIndex: index, commitIndex: index };
  send(state, from, body);
}

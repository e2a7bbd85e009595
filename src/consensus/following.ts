/** The follower's side of replication: what it accepts into its log, and when it says so. */

import { assert, fault } from "../base/index.ts";
import { commitTo } from "./commit.ts";
import type { Entry, LogIndex, LogPosition } from "./log-entry.ts";
import type { MessageOf } from "./message.ts";
import { emit, send, sendOnceDurable } from "./outbox.ts";
import { becomeFollower, drawElectionDeadline } from "./role.ts";
import type { RaftState } from "./state.ts";

/** A message from the leader of this term: protect it, and wait with campaigning. */
export function hearLeader(
  state: RaftState,
  leader: MessageOf<"append" | "heartbeat" | "snapshot-chunk">,
): void {
  assert(state.role.kind !== "leader", `one leader in term ${state.term}`);
  becomeFollower(state, leader.term, leader.from);
  state.lastLeaderContactMs = state.nowMs;
  drawElectionDeadline(state);
}

export function onAppend(state: RaftState, message: MessageOf<"append">): void {
  hearLeader(state, message);
  // The log is about to be replaced; the leader sends again what it gets no answer to.
  if (state.incoming?.installing === true) return;
  const { previous, entries, commitIndex } = message;
  const { log } = state;
  if (previous.index < state.commitIndex) {
    // What is committed here equals the leader's log, so there is nothing to compare before it.
    const skipped = state.commitIndex - previous.index;
    if (entries.length <= skipped) {
      acknowledge(state, message, state.commitIndex);
      return;
    }
  } else if (!log.holds(previous)) {
    const repairing = state.repair !== null;
    const hint = log.lastPositionWithin(previous.index, previous.term);
    const rejectedIndex = previous.index;
    send(state, message.from, { kind: "append-rejected", rejectedIndex, hint, repairing });
    return;
  }
  accept(state, entries);
  const lastIndex = previous.index + entries.length;
  commitTo(state, Math.min(commitIndex, lastIndex));
  acknowledge(state, message, lastIndex);
}

/** Appends what is new; replaces what differs, which no leader may have committed (section 3.5). */
function accept(state: RaftState, entries: readonly Entry[]): void {
  const { log, memberships } = state;
  const firstNew = entries.findIndex((entry) => !isKept(state, entry));
  if (firstNew === -1) return;
  const start = (entries[firstNew] as Entry).index;
  const membershipBefore = memberships.latest;
  if (start <= log.lastIndex) {
    assert(start > state.commitIndex, `no conflict in what is committed (at ${start})`);
    log.truncateFrom(start);
    memberships.truncateFrom(start);
  }
  const fresh = firstNew === 0 ? entries : entries.slice(firstNew);
  log.append(fresh);
  for (const entry of fresh) memberships.note(entry);
  const { latest } = memberships;
  if (latest !== membershipBefore) {
    emit(state, { kind: "membership-changed", membership: latest.membership });
  }
}

function isKept({ log, commitIndex }: RaftState, entry: LogPosition): boolean {
  return entry.index <= commitIndex || log.holds(entry);
}

/** Says how far the logs agree, once that much is on disk. */
function acknowledge(state: RaftState, { from }: MessageOf<"append">, matchIndex: LogIndex): void {
  const { commitIndex, log } = state;
  const body = { kind: "append-accepted" as const, matchIndex, commitIndex };
  if (matchIndex <= log.durableIndex) send(state, from, body);
  else sendOnceDurable(state, from, body);
}

/**
 * Answers at once, whatever the disk does: a slow disk must not cost a leader its followers. The
 * leader never announces more as committed than this node has acknowledged.
 */
export function onHeartbeat(state: RaftState, message: MessageOf<"heartbeat">): void {
  hearLeader(state, message);
  const { round, sentAtMs, commitIndex } = message;
  const { priority, log, incoming } = state;
  const votes = state.repair === null && !state.diskFull;
  send(state, message.from, { kind: "heartbeat-reply", round, sentAtMs, priority, votes });
  if (incoming?.installing === true || commitIndex <= state.commitIndex) return;
  if (commitIndex <= log.lastIndex) {
    commitTo(state, commitIndex);
  } else if (state.repair !== null) {
    // The leader still believes what was acknowledged before the damage: have it start over.
    const hint = { index: log.last.index, term: log.last.term };
    const body = { kind: "append-rejected" as const, rejectedIndex: commitIndex, hint };
    send(state, message.from, { ...body, repairing: true });
  } else {
    state.halted = true;
    const message = `entry ${commitIndex} was acknowledged, but the log ends at ${log.lastIndex}`;
    const remedy = "remove this node from the group and join it again under a new id";
    emit(state, { kind: "halt", fault: fault("E_LOG_LOST", message, remedy) });
  }
}

/**
 * What is agreed, and what may therefore be applied. Knows the rule that is easiest to get wrong:
 * a leader commits by counting only entries of its own term (Raft dissertation, section 3.6.2).
 */

import { assert } from "../base/index.ts";
import { entryBytes, type LogIndex } from "./log-entry.ts";
import { isMember } from "./membership.ts";
import { emit } from "./outbox.ts";
import { reachedByQuorum } from "./quorum.ts";
import type { Leader, RaftState } from "./state.ts";

/** Counts disks, its own among them only for what its own disk has (section 10.2.1). */
export function commitByCounting(state: RaftState, leader: Leader): void {
  const { log, id, memberships } = state;
  const reached = reachedByQuorum(memberships.latest.membership, (voter) =>
    voter === id ? log.durableIndex : (leader.peers.get(voter)?.matchIndex ?? 0),
  );
  if (reached <= state.commitIndex || log.termAt(reached) !== state.term) return;
  for (let index = state.commitIndex + 1; index <= reached; index++) {
    const entry = log.entryAt(index);
    if (entry !== null && index >= leader.termStart) leader.uncommittedBytes -= entryBytes(entry);
  }
  commitTo(state, reached);
}

export function commitTo(state: RaftState, index: LogIndex): void {
  if (index <= state.commitIndex) return;
  assert(index <= state.log.lastIndex, "a commit inside the log");
  const { memberships, id } = state;
  const before = memberships.at(state.commitIndex).membership;
  const after = memberships.at(index).membership;
  state.commitIndex = index;
  if (isMember(before, id) && !isMember(after, id)) declareRemoved(state);
}

/** The group has agreed to go on without this node. */
export function declareRemoved(state: RaftState): void {
  if (state.removed) return;
  state.removed = true;
  emit(state, { kind: "removed" });
}

/**
 * Hands committed entries to the state machine, one batch at a time. Never what only others have on
 * disk: after a crash the state machine would be ahead of its own log.
 */
export function applyCommitted(state: RaftState): void {
  const { log, applyingIndex, appliedIndex, commitIndex, options } = state;
  const upTo = Math.min(commitIndex, log.durableIndex);
  if (applyingIndex > appliedIndex || applyingIndex >= upTo || state.incoming?.installing) return;
  const entries = log.slice(applyingIndex, options.maxApplyBytes, upTo - applyingIndex);
  state.applyingIndex = applyingIndex + entries.length;
  emit(state, { kind: "apply", entries });
}

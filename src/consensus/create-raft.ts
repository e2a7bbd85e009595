/** How a node comes up: from what its disk held, or as the first of a new group. */

import { failed, fault, ok, type Result } from "../base/index.ts";
import { asTerm, beforeTheLog } from "./log-entry.ts";
import { LogView } from "./log-view.ts";
import type { Member } from "./membership.ts";
import { MembershipHistory } from "./membership-history.ts";
import type { RaftOptions } from "./options.ts";
import { drawElectionDeadline } from "./role.ts";
import type { RaftIdentity, RaftParts, RaftState, Recovered } from "./state.ts";

/** A fresh node that waits to be added to a group. */
export const nothingRecovered: Recovered = {
  hardState: { term: asTerm(0), votedFor: null, repair: null },
  snapshot: null,
  base: beforeTheLog,
  entries: [],
  appliedIndex: 0,
};

/**
 * The disk of a founding member of a new group; must be written and synced before the node starts,
 * and be the same on every founder (hashicorp/raft's BootstrapCluster does the same).
 */
export function bootstrapped(founders: readonly Member[]): Recovered {
  const membership = { voters: founders, outgoing: null, learners: [] };
  const first = { index: 1, term: asTerm(1), kind: "membership" as const, membership };
  const hardState = { term: asTerm(1), votedFor: null, repair: null };
  return { ...nothingRecovered, hardState, entries: [first] };
}

/**
 * A node as it is right after a start. Faults: E_LOG_BEHIND_SNAPSHOT when the log does not reach
 * the snapshot it should follow, E_LOG_BEHIND_STATE when the state machine is ahead of the log.
 */
export function createRaft(
  parts: RaftParts,
  { id, clusterId }: RaftIdentity,
  options: RaftOptions,
  nowMs: number,
): Result<RaftState> {
  const { recovered, random } = parts;
  const log = new LogView(recovered.base, recovered.entries);
  const { snapshot, hardState, appliedIndex } = recovered;
  if (snapshot !== null && !log.holds(snapshot)) {
    const place = `${snapshot.index} in term ${snapshot.term}`;
    return failed(fault("E_LOG_BEHIND_SNAPSHOT", `the log does not hold the snapshot's ${place}`));
  }
  if (appliedIndex > log.lastIndex || appliedIndex < (snapshot?.index ?? 0)) {
    const range = `${snapshot?.index ?? 0} to ${log.lastIndex}`;
    const message = `the state machine applied ${appliedIndex}, the disk offers ${range}`;
    return failed(fault("E_LOG_BEHIND_STATE", message, "rebuild it from the snapshot"));
  }
  const memberships = new MembershipHistory();
  if (snapshot !== null) memberships.resetTo(snapshot);
  for (const entry of recovered.entries) {
    if (entry.index > (snapshot?.index ?? 0)) memberships.note(entry);
  }
  const state: RaftState = {
    id,
    clusterId,
    options,
    random,
    incarnation: random.uint32(),
    log,
    memberships,
    counters: {
      foreignMessages: 0,
      staleMessages: 0,
      refusedProposals: 0,
      refusedReads: 0,
      electionsStarted: 0,
      leaderChanges: 0,
      snapshotsSent: 0,
      snapshotsInstalled: 0,
      staleAcknowledgements: 0,
    },
    forwardedReads: { sequence: 0, underWay: null, waiting: [] },
    nowMs,
    term: hardState.term,
    votedFor: hardState.votedFor,
    repair: hardState.repair,
    hardStateUnsaved: false,
    role: { kind: "follower", leaderId: null },
    commitIndex: appliedIndex,
    applyingIndex: appliedIndex,
    appliedIndex,
    snapshot,
    snapshotWanted: false,
    incoming: null,
    // A promise to protect a leader died with the last run, so a restart renews it blindly.
    lastLeaderContactMs: nowMs,
    electionDeadlineMs: nowMs,
    priority: options.priority,
    diskFull: false,
    removed: false,
    halted: false,
    issuedToken: 0,
    persistedToken: 0,
    gated: [],
    readsAwaitingApply: [],
    effects: [],
  };
  drawElectionDeadline(state);
  return ok(state);
}

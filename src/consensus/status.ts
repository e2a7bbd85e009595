/**
 * A node's view of the group, for health, metrics and the control loop: plain data, cheap to take.
 */

import type { NodeId } from "../base/index.ts";
import type { RoleName } from "./effect.ts";
import type { LogIndex, Term } from "./log-entry.ts";
import type { Membership } from "./membership.ts";
import { isInContact, type Progress } from "./progress.ts";
import { holdsLease } from "./reading.ts";
import { leaderIdOf, type RaftCounters, type RaftState } from "./state.ts";

export interface PeerStatus {
  readonly id: NodeId;
  readonly mode: Progress["mode"];
  readonly matchIndex: LogIndex;
  /** Entries it has yet to acknowledge. */
  readonly lagEntries: number;
  readonly inContact: boolean;
  readonly priority: number;
  /** False while it repairs its log or its disk is full. */
  readonly votes: boolean;
}

export interface RaftStatus {
  readonly id: NodeId;
  readonly role: RoleName;
  readonly term: Term;
  readonly leaderId: NodeId | null;
  readonly membership: Membership;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly durableIndex: LogIndex;
  readonly snapshotIndex: LogIndex;
  readonly logBytes: number;
  /** What waits to be agreed on; a leader's alone. */
  readonly uncommittedBytes: number;
  readonly pendingReads: number;
  readonly holdsLease: boolean;
  readonly inRepair: boolean;
  readonly diskFull: boolean;
  readonly removed: boolean;
  readonly halted: boolean;
  /** A leader's followers; empty elsewhere. */
  readonly peers: readonly PeerStatus[];
  readonly counters: Readonly<RaftCounters>;
}

export function statusOf(state: RaftState): RaftStatus {
  const { role, log, forwardedReads } = state;
  const leader = role.kind === "leader" ? role : null;
  const pendingReads =
    state.readsAwaitingApply.length +
    forwardedReads.waiting.length +
    (forwardedReads.underWay?.reads.length ?? 0) +
    (leader?.waitingReads.length ?? 0) +
    (leader?.roundUnderWay?.tickets.length ?? 0);
  return {
    id: state.id,
    role: role.kind,
    term: state.term,
    leaderId: leaderIdOf(state),
    membership: state.memberships.latest.membership,
    commitIndex: state.commitIndex,
    appliedIndex: state.appliedIndex,
    lastIndex: log.lastIndex,
    durableIndex: log.durableIndex,
    snapshotIndex: state.snapshot?.index ?? 0,
    logBytes: log.bytes,
    uncommittedBytes: leader?.uncommittedBytes ?? 0,
    pendingReads,
    holdsLease: leader !== null && holdsLease(state, leader),
    inRepair: state.repair !== null,
    diskFull: state.diskFull,
    removed: state.removed,
    halted: state.halted,
    peers: [...(leader?.peers.values() ?? [])].map((peer) => peerStatus(state, peer)),
    counters: { ...state.counters },
  };
}

function peerStatus(state: RaftState, peer: Progress): PeerStatus {
  const { id, mode, matchIndex, priority, votes } = peer;
  const lagEntries = state.log.lastIndex - matchIndex;
  return { id, mode, matchIndex, lagEntries, inContact: isInContact(peer, state), priority, votes };
}

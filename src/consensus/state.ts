/**
 * Everything a Raft node remembers. One owned, mutable object: copying it on every step would cost
 * more than the protocol itself. Only `step` and what it calls change it; nothing here does I/O,
 * and the same state fed the same events answers the same effects.
 */

import type { NodeId, Random } from "../base/index.ts";
import type { Effect, HardState, Repair } from "./effect.ts";
import type { RequestId } from "./event.ts";
import type { Entry, LogIndex, LogPosition, Term } from "./log-entry.ts";
import type { LogView } from "./log-view.ts";
import type { MembershipHistory } from "./membership-history.ts";
import type { Message, ReadMode, ReadRequestId, SnapshotMeta } from "./message.ts";
import type { RaftOptions } from "./options.ts";
import type { Progress } from "./progress.ts";

/** A read on its way: asked here, or by a follower. */
export type ReadTicket =
  | { readonly from: "client"; readonly id: RequestId }
  | { readonly from: "follower"; readonly peer: NodeId; readonly request: ReadRequestId };

/** Reads that share one round of heartbeats to learn whether this is still the leader. */
interface ReadRound {
  readonly round: number;
  readonly readIndex: LogIndex;
  readonly tickets: readonly ReadTicket[];
}

export interface Leader {
  readonly kind: "leader";
  readonly peers: Map<NodeId, Progress>;
  /** The first entry of its own term; nothing is known to be committed before this one is. */
  readonly termStart: LogIndex;
  nextHeartbeatMs: number;
  uncommittedBytes: number;
  round: number;
  roundUnderWay: ReadRound | null;
  waitingReads: ReadTicket[];
  transfer: { readonly target: NodeId; readonly deadlineMs: number; sent: boolean } | null;
  /**
   * Once an election was asked for, followers may elect at any time: no lease in this term again.
   */
  leaseForfeited: boolean;
  /** When it may next try to hand over to a node of higher priority. */
  nextYieldMs: number;
}

export type Role =
  | { readonly kind: "follower"; readonly leaderId: NodeId | null }
  | { readonly kind: "pre-candidate"; readonly votes: Map<NodeId, boolean> }
  | {
      readonly kind: "candidate";
      readonly votes: Map<NodeId, boolean>;
      readonly transfer: boolean;
    }
  | Leader;

/** Reads of this node that ask the leader; one request under way stands for all before it. */
export interface ForwardedReads {
  sequence: number;
  underWay: {
    readonly request: ReadRequestId;
    readonly reads: readonly PendingRead[];
    readonly mode: ReadMode;
    retryAtMs: number;
  } | null;
  waiting: PendingRead[];
}

interface PendingRead {
  readonly id: RequestId;
  readonly mode: ReadMode;
  readonly deadlineMs: number;
}

export interface IncomingSnapshot {
  readonly from: NodeId;
  /** Bytes of two leaders are never mixed: the same snapshot may be encoded differently. */
  readonly term: Term;
  readonly snapshot: SnapshotMeta;
  nextOffset: number;
  /** A chunk is on its way to disk: where it ends, and whether it is the last. */
  writing: { readonly end: number; readonly done: boolean } | null;
  installing: boolean;
  /** The order to install is out; it follows every write that was issued before. */
  ordered: boolean;
}

/** What the operator should know happened; every refusal and drop is counted. */
export interface RaftCounters {
  /** Of another group or version, to or from the wrong node, or malformed. */
  foreignMessages: number;
  /** Of an older term, or from who may not ask now. */
  staleMessages: number;
  refusedProposals: number;
  refusedReads: number;
  electionsStarted: number;
  leaderChanges: number;
  snapshotsSent: number;
  snapshotsInstalled: number;
  staleAcknowledgements: number;
}

export interface RaftState {
  readonly id: NodeId;
  readonly clusterId: string;
  readonly options: RaftOptions;
  readonly random: Random;
  /** Tells this run's read requests from those before a restart. */
  readonly incarnation: number;
  readonly log: LogView;
  readonly memberships: MembershipHistory;
  readonly counters: RaftCounters;
  readonly forwardedReads: ForwardedReads;
  /** The monotonic clock at this step; all deadlines are on it. */
  nowMs: number;
  term: Term;
  votedFor: NodeId | null;
  repair: Repair | null;
  hardStateUnsaved: boolean;
  role: Role;
  commitIndex: LogIndex;
  /** Handed to the state machine, and confirmed by it. */
  applyingIndex: LogIndex;
  appliedIndex: LogIndex;
  snapshot: SnapshotMeta | null;
  snapshotWanted: boolean;
  incoming: IncomingSnapshot | null;
  lastLeaderContactMs: number;
  electionDeadlineMs: number;
  priority: number;
  diskFull: boolean;
  removed: boolean;
  halted: boolean;
  issuedToken: number;
  persistedToken: number;
  /** Messages that must not leave before the disk has confirmed `token`. */
  gated: { readonly token: number; readonly message: Message }[];
  /** Confirmed reads that wait until the state machine has got that far. */
  readsAwaitingApply: { readonly id: RequestId; readonly readIndex: LogIndex }[];
  effects: Effect[];
}

/** What a restart finds on disk. A fresh node has `nothingRecovered` or `bootstrapped`. */
export interface Recovered {
  readonly hardState: HardState;
  readonly snapshot: SnapshotMeta | null;
  /** The position before the first entry: at or before the snapshot's. */
  readonly base: LogPosition;
  readonly entries: readonly Entry[];
  /** How far the state machine had got; at least the snapshot's index. */
  readonly appliedIndex: LogIndex;
}

export interface RaftParts {
  readonly random: Random;
  readonly recovered: Recovered;
}

export interface RaftIdentity {
  readonly id: NodeId;
  readonly clusterId: string;
}

export function leaderIdOf({ role, id }: RaftState): NodeId | null {
  if (role.kind === "leader") return id;
  return role.kind === "follower" ? role.leaderId : null;
}

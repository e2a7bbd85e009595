/**
 * Agreement: Raft as a function from events to effects. Whoever drives it brings a clock, a log on
 * disk, a snapshot store and a transport (the ports are here) and calls `step`.
 */

export { bootstrapped, createRaft, nothingRecovered } from "./create-raft.ts";
export type { Effect, HardState, Repair, RoleName } from "./effect.ts";
export type { RaftEvent, RequestId } from "./event.ts";
export {
  asTerm,
  type Entry,
  entryBytes,
  type LogIndex,
  type LogPosition,
  type Term,
} from "./log-entry.ts";
export {
  isMember,
  isVoter,
  type Learner,
  type Member,
  type MemberChange,
  type Membership,
  membersOf,
} from "./membership.ts";
export {
  type Message,
  type MessageBody,
  protocolVersion,
  type ReadMode,
  type SnapshotMeta,
} from "./message.ts";
export { checkedRaftOptions, defaultRaftOptions, type RaftOptions } from "./options.ts";
export type { PeerHandlers, PeerTransport } from "./peer-transport.ts";
export type { LogWrite, RaftLog, RecoveredLog } from "./raft-log.ts";
export { snapshotMeta } from "./snapshot-sending.ts";
export type { SnapshotChunk, SnapshotStore } from "./snapshot-store.ts";
export type { RaftCounters, RaftIdentity, RaftParts, RaftState, Recovered } from "./state.ts";
export { type PeerStatus, type RaftStatus, statusOf } from "./status.ts";
export { nextWakeMs, step } from "./step.ts";

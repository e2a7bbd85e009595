/**
 * Agreement: Raft as a function from events to effects. Whoever drives it brings a clock, a log on
 * disk, a snapshot store and a transport (the ports are here) and calls `step`.
 */

export { bootstrapped, createRaft, nothingRecovered } from "./create-raft.ts";
export type { Effect, HardState, Repair, RoleName } from "./effect.ts";
export type { RaftEvent, ReadMode, RequestId } from "./event.ts";
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
export { type Message, type MessageBody, protocolVersion, type SnapshotMeta } from "./message.ts";
export { checkedRaftOptions, defaultRaftOptions, type RaftOptions } from "./options.ts";
export { snapshotMeta } from "./snapshot-sending.ts";
export type { RaftCounters, RaftIdentity, RaftParts, RaftState, Recovered } from "./state.ts";
export { nextWakeMs, step } from "./step.ts";

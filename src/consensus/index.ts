/**
 * Agreement: Raft as a function from events to effects (`step`), and the driver that runs it
 * (`RaftNode`) on a clock, a log on disk, a snapshot store and a transport: the ports are here.
 */

export { bootstrapped, createRaft, nothingRecovered } from "./create-raft.ts";
export { defaultDriverOptions } from "./driver/driver-options.ts";
export {
  type DriverStatus,
  type RaftEnd,
  RaftNode,
  type RaftNodeOptions,
} from "./driver/raft-node.ts";
export type { Effect, HardState } from "./effect.ts";
export type { RaftEvent, RequestId } from "./event.ts";
export type * from "./leader-port.ts";
export { asTerm, type Entry, type LogIndex, type LogPosition, type Term } from "./log-entry.ts";
export {
  emptyMembership,
  isMember,
  isVoter,
  type Member,
  type MemberChange,
  type Membership,
  membersOf,
} from "./membership.ts";
export { type Message, protocolVersion, type SnapshotMeta } from "./message.ts";
export { checkedRaftOptions, defaultRaftOptions, type RaftOptions } from "./options.ts";
export type * from "./peer-transport.ts";
export type * from "./raft-log.ts";
export { snapshotMeta } from "./snapshot-sending.ts";
export type * from "./snapshot-store.ts";
export type { RaftState, Recovered } from "./state.ts";
export type * from "./state-machine.ts";
export { statusOf } from "./status.ts";
export { nextWakeMs, step } from "./step.ts";

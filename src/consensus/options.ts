/** The numbers a Raft node lives by, with their reasons, and what makes a set of them unlawful. */

import { failed, fault, ok, type Result } from "../base/index.ts";

export interface RaftOptions {
  /** How often a leader says it is alive. Well above a round trip plus a scheduling hiccup. */
  readonly heartbeatMs: number;
  /**
   * A follower that hears nothing for one to two of these (drawn anew each time) campaigns; within
   * one it protects its leader by refusing votes. Ten heartbeats make chance losses harmless
   * (dissertation, section 9.3 and 4.2.3).
   */
  readonly electionTimeoutMs: number;
  /**
   * How much faster or slower than true time any member's monotonic clock may run. Leases are
   * shortened by it; no other rule depends on it.
   */
  readonly maxClockDriftRatio: number;
  /** 0 to 100. A node below 100 waits longer before it campaigns and hands over to a better one. */
  readonly priority: number;
  /** Limits of one append message. */
  readonly maxAppendBytes: number;
  readonly maxAppendEntries: number;
  /** Limits of what is under way to one follower: beyond them the leader waits for replies. */
  readonly maxInflightMessages: number;
  readonly maxInflightBytes: number;
  /** Beyond this the leader refuses proposals: nobody should wait behind an endless tail. */
  readonly maxUncommittedBytes: number;
  /** Limit of one apply effect; the next follows when it is `applied`. */
  readonly maxApplyBytes: number;
  /** Reads that wait, here and for followers together; more are refused. */
  readonly maxPendingReads: number;
  /** A read that got no answer from the leader within this is refused. */
  readonly readTimeoutMs: number;
  readonly snapshotChunkBytes: number;
  /** A snapshot is wanted when the log since the last one weighs this much. */
  readonly snapshotEveryBytes: number;
  /** Entries kept behind a snapshot, so that a briefly absent follower needs no snapshot. */
  readonly retainedEntries: number;
}

export const defaultRaftOptions: RaftOptions = {
  heartbeatMs: 60,
  electionTimeoutMs: 600,
  maxClockDriftRatio: 0.05,
  priority: 100,
  maxAppendBytes: 1 << 20,
  maxAppendEntries: 4096,
  maxInflightMessages: 64,
  maxInflightBytes: 8 << 20,
  maxUncommittedBytes: 16 << 20,
  maxApplyBytes: 4 << 20,
  maxPendingReads: 16_384,
  readTimeoutMs: 1_200,
  snapshotChunkBytes: 256 << 10,
  snapshotEveryBytes: 32 << 20,
  retainedEntries: 5_000,
};

/** Fault: E_RAFT_OPTIONS, naming every option that cannot work. */
export function checkedRaftOptions(options: RaftOptions): Result<RaftOptions> {
  const wrong: string[] = [];
  for (const [name, value] of Object.entries(options) as [keyof RaftOptions, number][]) {
    if (name === "maxClockDriftRatio") {
      if (!(value >= 0 && value < 0.5)) wrong.push(`${name} must be at least 0 and below 0.5`);
    } else if (name === "priority") {
      if (!(value >= 0 && value <= 100)) wrong.push(`${name} must be 0 to 100`);
    } else if (name === "retainedEntries") {
      if (!(value >= 0)) wrong.push(`${name} must not be negative`);
    } else if (!(value > 0)) wrong.push(`${name} must be above 0`);
  }
  if (!(options.electionTimeoutMs >= 3 * options.heartbeatMs)) {
    wrong.push("electionTimeoutMs must be at least three times heartbeatMs");
  }
  if (wrong.length === 0) return ok(Object.freeze({ ...options }));
  return failed(fault("E_RAFT_OPTIONS", `these Raft options cannot work: ${wrong.join("; ")}`));
}

/**
 * How long after a heartbeat that a quorum answered the leader may serve reads by itself. Followers
 * wait a full election timeout on their clocks, which may run fast while the leader's runs slow.
 */
export function leaseMs({ electionTimeoutMs, maxClockDriftRatio }: RaftOptions): number {
  return (electionTimeoutMs * (1 - maxClockDriftRatio)) / (1 + maxClockDriftRatio);
}

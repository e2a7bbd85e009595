/** The numbers the driver lives by: how long callers wait, and how much may wait. */

export interface DriverOptions {
  /**
   * How long a write, a read or a hand-over may take. Below two seconds: a minority must refuse
   * within that; above the longest election, or a crashed leader would cost its clients errors.
   */
  readonly requestTimeoutMs: number;
  /** A membership change waits for an earlier one, and for the new member's first entries. */
  readonly changeTimeoutMs: number;
  /** Pause before asking again after a refusal that will pass, and how often waits are checked. */
  readonly retryPauseMs: number;
  /** Commands that wait here, agreed on or not; more are refused. */
  readonly maxPendingCommands: number;
  readonly maxPendingBytes: number;
  readonly maxPendingReads: number;
  /** Messages of peers taken into one step; Raft makes good what is dropped beyond. */
  readonly maxInboxMessages: number;
  /** One proposal event carries at most this, so that overload refuses little at a time. */
  readonly proposalBatchBytes: number;
  /** How long a stop waits for another node to take over leadership. */
  readonly handOverMs: number;
  /** Pause before a snapshot that could not be kept is tried again. */
  readonly snapshotRetryMs: number;
  /**
   * How long a snapshot's transfer rests after each chunk while the group writes, in proportion to
   * what the chunk took. More would let the log outgrow what is kept of it for the transfer.
   */
  readonly snapshotRestRatio: number;
  /** Well below an election timeout, after which the core asks for the chunk again. */
  readonly maxSnapshotRestMs: number;
}

export const defaultDriverOptions: DriverOptions = {
  requestTimeoutMs: 1_800,
  changeTimeoutMs: 4_000,
  retryPauseMs: 50,
  maxPendingCommands: 65_536,
  maxPendingBytes: 64 << 20,
  maxPendingReads: 65_536,
  maxInboxMessages: 16_384,
  proposalBatchBytes: 256 << 10,
  handOverMs: 900,
  snapshotRetryMs: 10_000,
  snapshotRestRatio: 2,
  maxSnapshotRestMs: 100,
};

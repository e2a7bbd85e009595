/**
 * What a leader knows of one follower and how much it may send it. The three modes are
 * etcd-io/raft's: `probe` looks for the place where the logs agree, one message at a time;
 * `replicate` streams, bounded by what is in flight; `snapshot` waits for a transfer.
 */

import type { NodeId } from "../base/index.ts";
import type { LogIndex } from "./log-entry.ts";
import type { SnapshotMeta } from "./message.ts";
import type { RaftOptions } from "./options.ts";

export interface SnapshotTransfer {
  readonly snapshot: SnapshotMeta;
  offset: number;
  /** Ask again when nothing has come back by then. */
  retryAtMs: number;
}

/** Rounds of catching up, each up to where the log ended when it began (dissertation, 4.2.1). */
interface CatchUpRound {
  readonly endIndex: LogIndex;
  readonly startedMs: number;
}

export interface Progress {
  readonly id: NodeId;
  mode: "probe" | "replicate" | "snapshot";
  /** Known to be on the follower's disk. */
  matchIndex: LogIndex;
  nextIndex: LogIndex;
  /** The highest commit index it was sent. */
  sentCommitIndex: LogIndex;
  /** The highest commit index it said it knows. */
  ackedCommitIndex: LogIndex;
  /** A probe is out; the next one leaves after an answer or a heartbeat's. */
  probing: boolean;
  readonly inflight: InflightWindow;
  transfer: SnapshotTransfer | null;
  /** When anything last came from it. */
  lastContactMs: number;
  /** The leader's own clock when it sent the last heartbeat that was answered. */
  ackedSentAtMs: number;
  /** The last read round it answered. */
  ackedRound: number;
  /** How willing it says it is to lead. */
  priority: number;
  /** Whether it says it may vote; a node that may not cannot be counted on in a change. */
  votes: boolean;
  /** For learners that are to become voters; null before the first round. */
  catchUp: CatchUpRound | null;
  /** Set when a membership without it was appended: it is told so until then, then forgotten. */
  departsAtMs: number | null;
}

export function freshProgress(
  id: NodeId,
  nextIndex: LogIndex,
  nowMs: number,
  maxInflightMessages: number,
): Progress {
  return {
    id,
    mode: "probe",
    matchIndex: 0,
    nextIndex,
    sentCommitIndex: 0,
    ackedCommitIndex: 0,
    probing: false,
    inflight: new InflightWindow(maxInflightMessages),
    transfer: null,
    // A new leader gives everybody one election timeout to be heard of.
    lastContactMs: nowMs,
    ackedSentAtMs: Number.NEGATIVE_INFINITY,
    ackedRound: 0,
    priority: 100,
    votes: false,
    catchUp: null,
    departsAtMs: null,
  };
}

/** Whether anything came from it within an election timeout. */
export function isInContact(
  { lastContactMs }: Progress,
  { nowMs, options }: { nowMs: number; options: RaftOptions },
): boolean {
  return nowMs - lastContactMs < options.electionTimeoutMs;
}

export function toProbe(progress: Progress): void {
  progress.mode = "probe";
  progress.nextIndex = progress.matchIndex + 1;
  progress.probing = false;
  progress.transfer = null;
  progress.inflight.clear();
}

export function toReplicate(progress: Progress): void {
  toProbe(progress);
  progress.mode = "replicate";
}

/** Appends that were sent and not yet acknowledged: a ring of last indexes and sizes. */
export class InflightWindow {
  readonly #lastIndexes: Float64Array;
  readonly #sizes: Float64Array;
  #start = 0;
  #count = 0;
  #bytes = 0;

  constructor(capacity: number) {
    this.#lastIndexes = new Float64Array(capacity);
    this.#sizes = new Float64Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** True when no further message may leave: too many, or too heavy together. */
  full(maxBytes: number): boolean {
    return this.#count === this.#lastIndexes.length || this.#bytes >= maxBytes;
  }

  add(lastIndex: LogIndex, bytes: number): void {
    const at = (this.#start + this.#count) % this.#lastIndexes.length;
    this.#lastIndexes[at] = lastIndex;
    this.#sizes[at] = bytes;
    this.#count++;
    this.#bytes += bytes;
  }

  /** An acknowledgement covers every message that ends at or before it. */
  freeUpTo(index: LogIndex): void {
    while (this.#count > 0 && (this.#lastIndexes[this.#start] ?? 0) <= index) this.#freeOldest();
  }

  #freeOldest(): void {
    this.#bytes -= this.#sizes[this.#start] ?? 0;
    this.#start = (this.#start + 1) % this.#lastIndexes.length;
    this.#count--;
  }

  clear(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytes = 0;
  }
}

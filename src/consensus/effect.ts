/**
 * Everything a Raft node asks of the world, as data. Effects of one `step` may be carried out in
 * any order and at the same time, except that `persist` and `install-snapshot` keep their order
 * among themselves, and so do the chunks of a snapshot and its installation. Whatever must wait for
 * the disk is held back by the core, not by the driver. A driver lets the state machine finish what
 * it was handed before it replaces it.
 */

import type { Fault, NodeId } from "../base/index.ts";
import type { RequestId } from "./event.ts";
import type { Entry, LogIndex, LogPosition, Term } from "./log-entry.ts";
import type { Membership } from "./membership.ts";
import type { Message, SnapshotMeta } from "./message.ts";

/** What must survive a crash besides the log itself (dissertation, figure 3.1). */
export interface HardState {
  readonly term: Term;
  readonly votedFor: NodeId | null;
  /** Set while a node may lack entries it once acknowledged; see `Repair`. */
  readonly repair: Repair | null;
}

/**
 * A node whose disk lost acknowledged entries (bit rot) must not vote until a leader has filled its
 * log again, or a committed entry could be outvoted. This says how far that is.
 */
export interface Repair {
  /** The node's term when it found the damage: it acknowledged nothing from later ones. */
  readonly term: Term;
  /** The last index it may have acknowledged; null when the damage hid that too. */
  readonly lastIndex: LogIndex | null;
}

export type RoleName = "follower" | "pre-candidate" | "candidate" | "leader";

export type Effect =
  | { readonly kind: "send"; readonly message: Message }
  /**
   * Write, then fsync, then answer `persisted`. The first entry replaces everything in the log at
   * or after its index. Several may be under way; one fsync may confirm many.
   */
  | {
      readonly kind: "persist";
      readonly token: number;
      readonly hardState: HardState | null;
      readonly entries: readonly Entry[];
    }
  /** Committed, on this disk, in order, exactly once per run; answer `applied`. */
  | { readonly kind: "apply"; readonly entries: readonly Entry[] }
  /** The log may drop everything before `index`: a snapshot covers it. */
  | { readonly kind: "compact"; readonly upTo: LogPosition; readonly snapshot: SnapshotMeta }
  /** The log has grown enough since the last snapshot to take another. */
  | { readonly kind: "snapshot-wanted" }
  | {
      readonly kind: "read-snapshot-chunk";
      readonly peer: NodeId;
      readonly index: LogIndex;
      readonly offset: number;
      readonly maxBytes: number;
    }
  /** Bytes of a snapshot on its way in; offset 0 discards what an earlier attempt left. */
  | {
      readonly kind: "write-snapshot-chunk";
      readonly index: LogIndex;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  /**
   * Verify the received snapshot, make it durable (fsync, rename), reset the state machine to it
   * and empty the log up to and after its position; then answer `snapshot-installed`.
   */
  | { readonly kind: "install-snapshot"; readonly snapshot: SnapshotMeta }
  /**
   * The proposal is in the leader's log, not yet committed: it is done when `applied` in that term.
   */
  | {
      readonly kind: "accepted";
      readonly id: RequestId;
      readonly term: Term;
      readonly firstIndex: LogIndex;
      readonly count: number;
    }
  | {
      readonly kind: "refused";
      readonly id: RequestId;
      readonly fault: Fault;
      readonly leaderId: NodeId | null;
    }
  /** The local state machine may be read now: it has everything up to `readIndex`. */
  | { readonly kind: "read-ready"; readonly id: RequestId; readonly readIndex: LogIndex }
  | { readonly kind: "transfer-started"; readonly id: RequestId; readonly target: NodeId }
  | {
      readonly kind: "role-changed";
      readonly role: RoleName;
      readonly term: Term;
      readonly leaderId: NodeId | null;
    }
  /** In force from now on, committed or not; transports connect to whom it names. */
  | { readonly kind: "membership-changed"; readonly membership: Membership }
  /**
   * The group has agreed that this node is no member any more. Stop once this step's other effects
   * are carried out: they may hand over leadership.
   */
  | { readonly kind: "removed" }
  /** This node must not go on; it ignores every further event. */
  | { readonly kind: "halt"; readonly fault: Fault };

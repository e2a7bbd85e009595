/**
 * What nodes say to each other. Messages may be lost, repeated, delayed and reordered at will; all
 * the core asks of a transport is that it does not alter them. Plain data, never mutated: a message
 * shares its entries with the log.
 */

import type { NodeId } from "../base/index.ts";
import type { Entry, LogIndex, LogPosition, Term } from "./log-entry.ts";
import type { Membership } from "./membership.ts";

/** Raised when a message changes meaning; a node refuses every version but its own. */
export const protocolVersion = 1;

/** What a snapshot stands for: the log up to `index`, and who was a member there. */
export interface SnapshotMeta extends LogPosition {
  readonly membership: Membership;
}

export interface MessageHeader {
  /** Guards against mixing two groups that share an address by mistake. */
  readonly clusterId: string;
  readonly protocolVersion: number;
  readonly from: NodeId;
  readonly to: NodeId;
  /**
   * The sender's term; in a pre-vote request and its grant, the term that would be campaigned for.
   */
  readonly term: Term;
}

export type MessageBody =
  | { readonly kind: "pre-vote-request"; readonly last: LogPosition }
  | { readonly kind: "pre-vote-reply"; readonly granted: boolean }
  | {
      readonly kind: "vote-request";
      readonly last: LogPosition;
      /** The leader asked for this election, so its followers need not protect it. */
      readonly transfer: boolean;
    }
  | { readonly kind: "vote-reply"; readonly granted: boolean }
  | {
      readonly kind: "append";
      readonly previous: LogPosition;
      readonly entries: readonly Entry[];
      readonly commitIndex: LogIndex;
    }
  /** Everything up to `matchIndex` equals the leader's log and is on the sender's disk. */
  | {
      readonly kind: "append-accepted";
      readonly matchIndex: LogIndex;
      /** How far the sender knows the log to be committed. */
      readonly commitIndex: LogIndex;
    }
  | {
      readonly kind: "append-rejected";
      /** The `previous.index` of the refused append. */
      readonly rejectedIndex: LogIndex;
      /** The last place where the logs may still agree. */
      readonly hint: LogPosition;
      /** The sender lost entries it had acknowledged; what the leader knows of it is void. */
      readonly repairing: boolean;
    }
  | {
      readonly kind: "heartbeat";
      readonly commitIndex: LogIndex;
      /** The latest read round: a reply to it confirms the leader for those reads. */
      readonly round: number;
      /** The leader's monotonic clock when it sent this; echoed, so clocks are never compared. */
      readonly sentAtMs: number;
    }
  | {
      readonly kind: "heartbeat-reply";
      readonly round: number;
      readonly sentAtMs: number;
      /** How willing the sender is to lead; see `RaftOptions.priority`. */
      readonly priority: number;
      /** Whether the sender may vote at all; see `Repair`. */
      readonly votes: boolean;
    }
  | {
      readonly kind: "snapshot-chunk";
      readonly snapshot: SnapshotMeta;
      /** Where `bytes` belong in the snapshot, in bytes. */
      readonly offset: number;
      readonly bytes: Uint8Array;
      readonly done: boolean;
    }
  | {
      readonly kind: "snapshot-progress";
      readonly index: LogIndex;
      /** The first byte the sender does not have on disk. */
      readonly nextOffset: number;
    }
  /** Campaign at once, without pre-vote: the leader hands over (dissertation, section 3.10). */
  | { readonly kind: "timeout-now" }
  | {
      readonly kind: "read-request";
      readonly request: ReadRequestId;
      /** All reads it stands for are content with the leader's lease. */
      readonly mode: ReadMode;
    }
  | {
      readonly kind: "read-reply";
      readonly request: ReadRequestId;
      readonly readIndex: LogIndex;
    }
  /** Answers a message of an older term, so that its sender learns the newer one. */
  | { readonly kind: "term-notice" };

/**
 * `linearizable` asks a majority (ReadIndex, dissertation section 6.4); `lease` trusts clocks to
 * drift by no more than `maxClockDriftRatio` and answers at once when it may (section 6.4.1).
 */
export type ReadMode = "linearizable" | "lease";

/** Unique over restarts: a late reply to an earlier run of the same node must match nothing. */
export interface ReadRequestId {
  readonly incarnation: number;
  readonly sequence: number;
}

export type Message = MessageHeader & MessageBody;
export type MessageOf<Kind extends MessageBody["kind"]> = MessageHeader &
  Extract<MessageBody, { readonly kind: Kind }>;

/**
 * Everything that can happen to a Raft node, as data. Whoever drives the core turns clocks,
 * sockets, disks and clients into these and feeds them to `step`.
 */

import type { NodeId } from "../base/index.ts";
import type { LogIndex } from "./log-entry.ts";
import type { MemberChange } from "./membership.ts";
import type { Message, ReadMode, SnapshotMeta } from "./message.ts";

/** Chosen by whoever asks; effects answer under the same number. */
export type RequestId = number;

export type RaftEvent =
  /** Time has passed. Due at `nextWakeMs`; more often does no harm. */
  | { readonly kind: "tick" }
  | { readonly kind: "message"; readonly message: Message }
  /** Answered by `accepted` or `refused`. All commands become neighbours in the log. */
  | {
      readonly kind: "propose";
      readonly id: RequestId;
      readonly commands: readonly Uint8Array[];
    }
  /** Answered by `accepted` or `refused`. */
  | {
      readonly kind: "change-membership";
      readonly id: RequestId;
      readonly changes: readonly MemberChange[];
    }
  /** Answered by `transfer-started` or `refused`; null leaves the choice to the leader. */
  | { readonly kind: "transfer-leadership"; readonly id: RequestId; readonly target: NodeId | null }
  /** Answered by `read-ready` or `refused`. */
  | { readonly kind: "read"; readonly id: RequestId; readonly mode: ReadMode }
  /** The `persist` effects up to `token` are on disk. Tokens are confirmed in order. */
  | { readonly kind: "persisted"; readonly token: number }
  /** The state machine has applied everything up to `index`. */
  | { readonly kind: "applied"; readonly index: LogIndex }
  /** A snapshot of the state machine is on disk; `snapshot` came from `snapshotMeta`. */
  | { readonly kind: "snapshot-taken"; readonly snapshot: SnapshotMeta }
  /** Answers `read-snapshot-chunk`; null when the store does not have that snapshot any more. */
  | {
      readonly kind: "snapshot-chunk-read";
      readonly peer: NodeId;
      readonly index: LogIndex;
      readonly offset: number;
      readonly chunk: { readonly bytes: Uint8Array; readonly done: boolean } | null;
    }
  /** Answers `write-snapshot-chunk`. */
  | { readonly kind: "snapshot-chunk-written"; readonly index: LogIndex; readonly offset: number }
  /** Answers `install-snapshot`; false when the bytes do not make a sound snapshot. */
  | { readonly kind: "snapshot-installed"; readonly index: LogIndex; readonly sound: boolean }
  /** The transport lost its connection: what was in flight to `peer` is gone. */
  | { readonly kind: "peer-unreachable"; readonly peer: NodeId }
  /** The disk has no room: refuse writes, and do not lead if somebody else can. */
  | { readonly kind: "disk-full"; readonly full: boolean }
  /** How willing this node is to lead, 0 to 100: the control loop lowers it on bad links. */
  | { readonly kind: "priority"; readonly priority: number };

/** What the store needs of the group it is replicated by; the Raft driver fits. */

import type { NodeId, Result } from "../../base/index.ts";
import type { MemberChange, Membership } from "../../consensus/index.ts";
import type { Reply } from "../../kvstore/index.ts";

export interface AgreementStatus {
  readonly id: NodeId;
  readonly role: string;
  readonly term: number;
  readonly leaderId: NodeId | null;
  readonly membership: Membership;
  readonly commitIndex: number;
  readonly appliedIndex: number;
}

export interface Agreement {
  /** Resolves once the command is agreed on and applied here. */
  propose(command: Uint8Array, signal?: AbortSignal): Promise<Result<Reply>>;
  /** Resolves when the local state holds all that was acknowledged before the call. */
  read(mode: "linearizable" | "lease", signal?: AbortSignal): Promise<Result<void>>;
  changeMembership(changes: readonly MemberChange[], signal?: AbortSignal): Promise<Result<void>>;
  transferLeadership(target: NodeId | null, signal?: AbortSignal): Promise<Result<void>>;
  /** Another member that leads answers, with what its `answer` says; else E_NO_LEADER. */
  askLeader(question: Uint8Array, signal: AbortSignal): Promise<Result<Uint8Array>>;
  /** Null before the start. */
  status(): AgreementStatus | null;
}

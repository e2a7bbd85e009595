/**
 * What members ask of each other beside Raft's messages, in the words of the core. Declares the
 * port that whoever drives Raft plugs in; the same shapes come out at the client's end.
 */

import type { Fault, NodeId, Result } from "../../base/index.ts";
import type { RoleName } from "../effect.ts";
import type { LogIndex, Term } from "../log-entry.ts";
import type { Member, MemberChange, Membership } from "../membership.ts";

/** A refusal that may know who would not have refused. */
export interface LeaderFault extends Fault {
  readonly leader: Member | null;
}

/** The commands are committed and applied, from `firstIndex` on. */
export interface Applied {
  readonly term: Term;
  readonly firstIndex: LogIndex;
  /** What the state machine answered to each command; empty when it answers nothing. */
  readonly results: readonly Uint8Array[];
}

export interface Joiner {
  /** Null: whichever cluster answers. */
  readonly clusterId: string | null;
  readonly member: Member;
  readonly promote: boolean;
}

export interface Joined {
  readonly clusterId: string;
  readonly membership: Membership;
}

export interface MemberStatus {
  readonly protocolVersion: number;
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly role: RoleName;
  readonly term: Term;
  readonly leaderId: NodeId | null;
  readonly membership: Membership;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  readonly lastIndex: LogIndex;
}

/**
 * What a member does for others. Each signal aborts when nobody waits for the answer any more; what
 * was proposed by then may still be applied.
 */
export interface MemberHandlers {
  propose(
    commands: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<Result<Applied, LeaderFault>>;
  changeMembership(
    changes: readonly MemberChange[],
    signal: AbortSignal,
  ): Promise<Result<Membership, LeaderFault>>;
  transferLeadership(
    target: NodeId | null,
    signal: AbortSignal,
  ): Promise<Result<NodeId, LeaderFault>>;
  join(joiner: Joiner, signal: AbortSignal): Promise<Result<Joined, LeaderFault>>;
  status(): MemberStatus;
}

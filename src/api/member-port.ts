/** The group and this member of it, as the faces need them; ids are the 64-bit ones of etcd's API. */

import type { Fault, Result } from "../base/index.ts";

export interface ClusterMember {
  readonly id: bigint;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

export interface MemberStatus {
  readonly version: string;
  readonly storeBytes: number;
  readonly storeBytesInUse: number;
  /** 0n: none is known. */
  readonly leaderId: bigint;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly term: number;
  readonly isLearner: boolean;
  /** What is wrong here, in words. */
  readonly errors: readonly string[];
}

export interface MembersPort {
  members(linearizable: boolean): Promise<Result<readonly ClusterMember[], Fault>>;
  memberAdd(
    peerUrls: readonly string[],
    isLearner: boolean,
  ): Promise<
    Result<{ readonly member: ClusterMember; readonly members: readonly ClusterMember[] }, Fault>
  >;
  memberRemove(id: bigint): Promise<Result<readonly ClusterMember[], Fault>>;
  memberPromote(id: bigint): Promise<Result<readonly ClusterMember[], Fault>>;
  moveLeader(targetId: bigint): Promise<Result<void, Fault>>;
  status(): MemberStatus;
}

export type AlarmType = "no-space" | "corrupt";

export interface Alarm {
  readonly type: AlarmType;
  /** Whom it is about; 0n is all. */
  readonly memberId: bigint;
}

export interface UpkeepPort {
  alarms(): readonly Alarm[];
  /** The alarms that are active afterwards. */
  setAlarm(alarm: Alarm, active: boolean): Promise<Result<readonly Alarm[], Fault>>;
  defragment(): Promise<Result<void, Fault>>;
  /** Of all keys and revisions up to `revision`; 0: the latest. */
  hash(
    revision: number,
  ): Promise<
    Result<
      { readonly hash: number; readonly revision: number; readonly compactRevision: number },
      Fault
    >
  >;
  /** A consistent picture of this member's state. */
  snapshot(signal: AbortSignal): {
    readonly revision: number;
    readonly chunks: AsyncIterable<Uint8Array>;
  };
}

/** The members' calls as protobuf and back. Null where the bytes say nothing that could be meant. */

import { type Fault, failed, type NodeId, ok, type Result } from "../../base/index.ts";
import type * as wire from "../../wire/meshmend/peer/v1/member.ts";
import type * as peerWire from "../../wire/meshmend/peer/v1/peer.ts";
import type { RoleName } from "../effect.ts";
import { asTerm } from "../log-entry.ts";
import type { Member, MemberChange } from "../membership.ts";
import type { Applied, Joined, LeaderFault, MemberStatus } from "./member-calls.ts";
import { membershipFromWire, membershipToWire } from "./message-codec.ts";

export function faultToWire(fault: Fault & Partial<LeaderFault>): wire.Fault {
  const { code, message, remedy = "", leader } = fault;
  return { code, message, remedy, leader: leader ?? undefined };
}

export function faultFromWire({ code, message, remedy, leader }: wire.Fault): LeaderFault {
  return {
    code,
    message,
    ...(remedy !== "" && { remedy }),
    leader: leader === undefined ? null : memberFromWire(leader),
  };
}

export function outcomeToWire(outcome: Result<Applied, LeaderFault>): wire.Outcome {
  if (!outcome.ok) return { outcome: { $case: "fault", value: faultToWire(outcome.fault) } };
  const { term, firstIndex, results } = outcome.value;
  return { outcome: { $case: "applied", value: { term, firstIndex, results: [...results] } } };
}

export function outcomeFromWire({ outcome }: wire.Outcome): Result<Applied, LeaderFault> | null {
  switch (outcome?.$case) {
    case "applied":
      return ok({ ...outcome.value, term: asTerm(outcome.value.term) });
    case "fault":
      return failed(faultFromWire(outcome.value));
    case undefined:
      return null;
  }
}

export function memberFromWire({ id, address }: peerWire.Member): Member | null {
  return id === "" ? null : { id: id as NodeId, address };
}

export function joinedToWire({ clusterId, membership }: Joined): wire.Joined {
  return { clusterId, membership: membershipToWire(membership) };
}

export function joinedFromWire({ clusterId, membership: received }: wire.Joined): Joined | null {
  const membership = received === undefined ? null : membershipFromWire(received);
  return membership === null || clusterId === "" ? null : { clusterId, membership };
}

export function changeToWire(change: MemberChange): wire.MemberChange {
  const { kind } = change;
  if (kind === "add-learner") {
    const { member, promote } = change;
    return { change: { $case: "addLearner", value: { member, promote } } };
  }
  return { change: { $case: kind, value: change.id } };
}

export function changesFromWire(changes: readonly wire.MemberChange[]): MemberChange[] | null {
  const known: MemberChange[] = [];
  for (const { change } of changes) {
    if (change === undefined) return null;
    if (change.$case === "addLearner") {
      const member = change.value.member && memberFromWire(change.value.member);
      if (!member) return null;
      known.push({ kind: "add-learner", member, promote: change.value.promote });
    } else if (change.value === "") return null;
    else known.push({ kind: change.$case, id: change.value as NodeId });
  }
  return known;
}

export function statusToWire(status: MemberStatus): wire.StatusResponse {
  const { leaderId, membership, ...rest } = status;
  return { ...rest, leaderId: leaderId ?? "", membership: membershipToWire(membership) };
}

const roles: ReadonlySet<string> = new Set<RoleName>([
  "follower",
  "pre-candidate",
  "candidate",
  "leader",
]);

export function statusFromWire(received: wire.StatusResponse): MemberStatus | null {
  const { nodeId, leaderId, role, term } = received;
  const membership =
    received.membership === undefined ? null : membershipFromWire(received.membership);
  if (membership === null || nodeId === "" || !roles.has(role)) return null;
  return {
    ...received,
    nodeId: nodeId as NodeId,
    leaderId: leaderId === "" ? null : (leaderId as NodeId),
    role: role as RoleName,
    term: asTerm(term),
    membership,
  };
}

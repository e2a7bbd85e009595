/** The group as the HTTP face shows it, and what operators ask of it in the words of the core. */

import type { NodeId } from "../../base/index.ts";
import { type DriverStatus, type Member, membersOf } from "../../consensus/index.ts";
import type { Agreement } from "./agreement.ts";

export function clusterPort(nodeId: NodeId, agreement: Group) {
  return {
    view: () => viewOf(nodeId, agreement),
    add: ({ id, address, promote }: AddedMember) =>
      agreement.change([{ kind: "add-learner", member: { id: id as NodeId, address }, promote }]),
    remove: (id: string) => agreement.change([{ kind: "remove", id: id as NodeId }]),
    promote: (id: string) => agreement.change([{ kind: "promote", id: id as NodeId }]),
    transfer: (target: string | null) => agreement.transfer(target as NodeId | null),
  };
}

type Group = Pick<
  Agreement<unknown>,
  "phase" | "clusterId" | "insecure" | "status" | "change" | "transfer"
>;

interface AddedMember {
  readonly id: string;
  readonly address: string;
  readonly promote: boolean;
}

function viewOf(nodeId: NodeId, agreement: Group) {
  const { phase, clusterId, insecure } = agreement;
  const status = agreement.status();
  const why = phase.kind === "joining" ? phase.lastRefusal : null;
  const reason = phase.kind === "unusable" ? phase.fault.message : (why?.message ?? null);
  return {
    phase: phase.kind,
    reason,
    clusterId,
    nodeId,
    role: status?.role ?? null,
    leader: status?.leaderId ?? null,
    term: status?.term ?? 0,
    commitIndex: status?.commitIndex ?? 0,
    appliedIndex: status?.appliedIndex ?? 0,
    snapshotIndex: status?.snapshotIndex ?? 0,
    insecure,
    members: status === null ? [] : membersOf(status.membership).map(shown(status)),
  };
}

const shown =
  (status: DriverStatus) =>
  ({ id, address }: Member) => {
    const { membership, leaderId } = status;
    const learner = membership.learners.find((each) => each.id === id);
    const votes = membership.voters.some((each) => each.id === id);
    const role = votes ? ("voter" as const) : learner ? ("learner" as const) : ("leaving" as const);
    const peer = status.peers.find((each) => each.id === id);
    const leader = id === leaderId;
    const self = id === status.id;
    return {
      id,
      address,
      role,
      promote: learner?.promote ?? false,
      leader,
      self,
      inContact: peer?.inContact ?? (self ? true : null),
      lagEntries: peer?.lagEntries ?? (self && leader ? 0 : null),
    };
  };

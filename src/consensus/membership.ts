/**
 * Who belongs to the group, and which changes of that are lawful. Knows joint consensus
 * (Raft dissertation, section 4.3): while `outgoing` is set, decisions need both majorities.
 */

import { assert, type Fault, failed, fault, type NodeId, ok, type Result } from "../base/index.ts";

export interface Member {
  readonly id: NodeId;
  /** Where its peers reach it; opaque to the core. */
  readonly address: string;
}

/** Receives the log but does not count (dissertation, section 4.2.1). */
export interface Learner extends Member {
  /** The leader makes it a voter by itself once it has caught up. */
  readonly promote: boolean;
}

export interface Membership {
  readonly voters: readonly Member[];
  /** The voters being replaced, while a joint change is under way. */
  readonly outgoing: readonly Member[] | null;
  /** May name an outgoing voter: it becomes a learner when the joint phase ends. */
  readonly learners: readonly Learner[];
}

export const emptyMembership: Membership = { voters: [], outgoing: null, learners: [] };

export type MemberChange =
  /** A new node always starts as a learner; `promote` makes it a voter when it has caught up. */
  | { readonly kind: "add-learner"; readonly member: Member; readonly promote: boolean }
  | { readonly kind: "promote"; readonly id: NodeId }
  | { readonly kind: "demote"; readonly id: NodeId }
  | { readonly kind: "remove"; readonly id: NodeId }
  /** The member is reached elsewhere from now on. */
  | { readonly kind: "move"; readonly member: Member };

const has = (members: readonly Member[], id: NodeId) => members.some((member) => member.id === id);
const without = <Kind extends Member>(members: readonly Kind[], id: NodeId) =>
  members.filter((member) => member.id !== id);

export function isVoter(membership: Membership, id: NodeId): boolean {
  return (
    has(membership.voters, id) || (membership.outgoing !== null && has(membership.outgoing, id))
  );
}

export function isMember(membership: Membership, id: NodeId): boolean {
  return isVoter(membership, id) || has(membership.learners, id);
}

/** Every member once, voters first. */
export function membersOf(membership: Membership): Member[] {
  const all: Member[] = [];
  const lists = [membership.voters, membership.outgoing ?? [], membership.learners];
  for (const list of lists) {
    for (const member of list) if (!has(all, member.id)) all.push(member);
  }
  return all;
}

/**
 * The membership after `changes`: joint when the set of voters changes by more than one node, since
 * only a single change guarantees that old and new majorities overlap (dissertation, section 4.1).
 * Faults: E_MEMBER_EXISTS, E_NO_SUCH_MEMBER, E_LAST_VOTER, E_CHANGE_PENDING.
 */
export function changed(now: Membership, changes: readonly MemberChange[]): Result<Membership> {
  if (now.outgoing !== null) {
    return failed(fault("E_CHANGE_PENDING", "a joint membership change is still under way"));
  }
  let wanted: Membership = now;
  for (const change of changes) {
    const refusal = refusalOf(wanted, change);
    if (refusal !== null) return failed(refusal);
    wanted = applied(wanted, change);
  }
  if (wanted.voters.length === 0) {
    return failed(fault("E_LAST_VOTER", "the change would leave the group without a voter"));
  }
  const joined = wanted.voters.filter((member) => !has(now.voters, member.id)).length;
  const left = now.voters.filter((member) => !has(wanted.voters, member.id)).length;
  return ok(joined + left > 1 ? { ...wanted, outgoing: now.voters } : wanted);
}

/**
 * The membership after the joint phase; its outgoing voters keep only what `learners` grants them.
 */
export function left(joint: Membership): Membership {
  assert(joint.outgoing !== null, "a joint membership to leave");
  return { ...joint, outgoing: null };
}

function refusalOf(membership: Membership, change: MemberChange): Fault | null {
  if (change.kind === "add-learner") {
    if (!isMember(membership, change.member.id)) return null;
    const remedy = "a node that lost its disk joins under a new id";
    return fault("E_MEMBER_EXISTS", `${change.member.id} is a member already`, remedy);
  }
  const id = change.kind === "move" ? change.member.id : change.id;
  const known =
    change.kind === "promote"
      ? has(membership.learners, id)
      : change.kind === "demote"
        ? has(membership.voters, id)
        : isMember(membership, id);
  if (known) return null;
  const role = { promote: "learner", demote: "voter", remove: "member", move: "member" };
  return fault("E_NO_SUCH_MEMBER", `${id} is no ${role[change.kind]} of the group`);
}

function applied(now: Membership, change: MemberChange): Membership {
  if (change.kind === "add-learner") {
    const learner: Learner = { ...change.member, promote: change.promote };
    return { ...now, learners: [...now.learners, learner] };
  }
  if (change.kind === "move") {
    const { id, address } = change.member;
    const moved = <Kind extends Member>(members: readonly Kind[]) =>
      members.map((each) => (each.id === id ? { ...each, address } : each));
    return { ...now, voters: moved(now.voters), learners: moved(now.learners) };
  }
  const voters = without(now.voters, change.id);
  const learners = without(now.learners, change.id);
  const member = membersOf(now).find(({ id }) => id === change.id);
  assert(member !== undefined, `${change.id} among the members`);
  const { id, address } = member;
  switch (change.kind) {
    case "promote":
      return { ...now, voters: [...voters, { id, address }], learners };
    case "demote":
      return { ...now, voters, learners: [...learners, { id, address, promote: false }] };
    case "remove":
      return { ...now, voters, learners };
  }
}

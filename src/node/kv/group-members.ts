/** The group in the words of etcd's API: members by number, addresses as URLs. */

import type { ClusterMember, MemberStatus } from "../../api/member-port.ts";
import { type Fault, failed, fault, type NodeId, ok, type Result } from "../../base/index.ts";
import { type MemberChange, membersOf } from "../../consensus/index.ts";
import type { Agreement } from "./agreement.ts";
import { idOfName } from "./member-ids.ts";
import type { Standing } from "./standing.ts";

export interface GroupMembersParts {
  readonly agreement: Agreement;
  readonly standing: Standing;
  /** Where this member serves clients; null until it does. */
  readonly clientAddress: () => string | null;
  readonly diskBytes: () => number;
}

type Members = Result<readonly ClusterMember[], Fault>;

export class GroupMembers {
  readonly #parts: GroupMembersParts;
  readonly #apiVersion: string;

  constructor(parts: GroupMembersParts, options: { readonly apiVersion: string }) {
    this.#parts = parts;
    this.#apiVersion = options.apiVersion;
  }

  async members(linearizable: boolean): Promise<Members> {
    if (linearizable) {
      const current = await this.#parts.agreement.read("linearizable");
      if (!current.ok) return current;
    }
    return ok(this.#list());
  }

  /** etcd's members are added before they start; ours ask for it when they do. */
  async memberAdd(): Promise<Result<never, Fault>> {
    return failed(
      fault("E_MEMBER_ADD", "a member is added when it starts: meshmend run --join ADDRESS"),
    );
  }

  async memberRemove(id: bigint): Promise<Members> {
    return this.#change(id, (name) => ({ kind: "remove", id: name }));
  }

  async memberPromote(id: bigint): Promise<Members> {
    const learner = this.#list().find((member) => member.id === id);
    if (learner !== undefined && !learner.isLearner) return failed(notLearner);
    return this.#change(id, (name) => ({ kind: "promote", id: name }));
  }

  async moveLeader(targetId: bigint): Promise<Result<void, Fault>> {
    const status = this.#parts.standing.agreement;
    if (status?.role !== "leader") return failed(notLeader);
    const target = this.#nameOf(targetId);
    if (target === null) return failed(badTarget);
    if (target === status.id) return ok(undefined);
    return this.#parts.agreement.transferLeadership(target);
  }

  status(): MemberStatus {
    const { agreement, store } = this.#parts.standing;
    const learners = agreement?.membership.learners ?? [];
    const leaderId = agreement?.leaderId ?? null;
    return {
      version: this.#apiVersion,
      storeBytes: this.#parts.diskBytes(),
      storeBytesInUse: store.storedBytes,
      leaderId: leaderId === null ? 0n : idOfName(leaderId),
      commitIndex: agreement?.commitIndex ?? 0,
      appliedIndex: agreement?.appliedIndex ?? 0,
      term: agreement?.term ?? 0,
      isLearner: learners.some(({ id }) => id === agreement?.id),
      errors: [
        ...(leaderId === null ? ["etcdserver: no leader"] : []),
        ...store.alarms.map(({ type, memberId }) => {
          return `memberID:${memberId} alarm:${type === "no-space" ? "NOSPACE" : "CORRUPT"} `;
        }),
      ],
    };
  }

  async #change(id: bigint, change: (name: NodeId) => MemberChange): Promise<Members> {
    const name = this.#nameOf(id);
    if (name === null) return failed(notFound);
    const changed = await this.#parts.agreement.changeMembership([change(name)]);
    return changed.ok ? ok(this.#list()) : changed;
  }

  #nameOf(id: bigint): NodeId | null {
    const membership = this.#parts.standing.agreement?.membership;
    const members = membership === undefined ? [] : membersOf(membership);
    return members.find((member) => idOfName(member.id) === id)?.id ?? null;
  }

  /** Where the others serve clients is not known to the group: only this member's address is. */
  #list(): readonly ClusterMember[] {
    const { standing, clientAddress } = this.#parts;
    const status = standing.agreement;
    if (status === null) return [];
    const here = clientAddress();
    return membersOf(status.membership).map(({ id, address }) => ({
      id: idOfName(id),
      name: id,
      peerUrls: address === "" ? [] : [`http://${address}`],
      clientUrls: id === status.id && here !== null ? [`http://${here}`] : [],
      isLearner: status.membership.learners.some((learner) => learner.id === id),
    }));
  }
}

const notFound = fault("E_MEMBER_NOT_FOUND", "there is no such member");
const notLearner = fault("E_MEMBER_NOT_LEARNER", "only a learner can be promoted");
const notLeader = fault("E_NOT_LEADER", "only the leader can hand leadership over");
const badTarget = fault("E_TRANSFER_TARGET", "leadership can go to a member alone");

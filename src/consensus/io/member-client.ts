/**
 * Asks other members: forwards proposals to the leader, and makes the calls that change a group.
 */

import { type Fault, failed, fault, type NodeId, ok, type Result } from "../../base/index.ts";
import type * as wire from "../../wire/meshmend/peer/v1/member.ts";
import type { Member, MemberChange, Membership } from "../membership.ts";
import type { Applied, Joined, Joiner, LeaderFault, MemberStatus } from "./member-calls.ts";
import {
  changeToWire,
  faultFromWire,
  joinedFromWire,
  outcomeFromWire,
  statusFromWire,
} from "./member-codec.ts";
import {
  MemberConnections,
  type MemberConnectionsOptions,
  type MemberConnectionsParts,
} from "./member-connections.ts";
import { memberService } from "./member-service.ts";
import { membershipFromWire } from "./message-codec.ts";
import { type LocalNode, versionOf } from "./peer-handshake.ts";
import { ProposalQueue, type ProposalQueueOptions } from "./proposal-queue.ts";

export interface MemberClientOptions extends MemberConnectionsOptions, ProposalQueueOptions {}

export const defaultMemberClientOptions: MemberClientOptions = {
  maxFrameBytes: 8 << 20,
  keepaliveMs: 5_000,
  keepaliveTimeoutMs: 5_000,
  timeoutMs: 5_000,
  maxConnections: 16,
  maxCalls: 4,
  maxProposalsPerCall: 1_024,
  maxBytesPerCall: 1 << 20,
  maxProposals: 16_384,
  maxBytes: 16 << 20,
};

const malformed = fault("E_PEER_MALFORMED", "the answer is no answer of this protocol");
const noLeaderKnown = (reason: Fault): LeaderFault => ({ ...reason, leader: null });

export class MemberClient {
  readonly #local: LocalNode;
  readonly #options: MemberClientOptions;
  readonly #connections: MemberConnections;
  /** The leader of now and its proposals; those of an earlier one end by themselves. */
  #leader: { readonly member: Member; readonly proposals: ProposalQueue } | null = null;

  constructor(parts: MemberConnectionsParts, local: LocalNode, options: MemberClientOptions) {
    this.#local = local;
    this.#options = options;
    this.#connections = new MemberConnections(parts, options);
  }

  /** Faults: those of the leader, and those of ProposalQueue. */
  propose(
    leader: Member,
    commands: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<Result<Applied, LeaderFault>> {
    const { member, proposals } = this.#leader ?? this.#follow(leader);
    const same = member.id === leader.id && member.address === leader.address;
    return (same ? proposals : this.#follow(leader).proposals).propose(commands, signal);
  }

  async changeMembership(
    to: Member,
    changes: readonly MemberChange[],
    signal: AbortSignal,
  ): Promise<Result<Membership, LeaderFault>> {
    const request = { caller: this.#caller(to), changes: changes.map(changeToWire) };
    const response = await this.#connections.change(
      to,
      memberService.changeMembership,
      request,
      signal,
    );
    return outcomeOf(response, membershipFromWire);
  }

  /** Null leaves the choice to the leader. Answers whom it hands over to. */
  async transferLeadership(
    to: Member,
    target: NodeId | null,
    signal: AbortSignal,
  ): Promise<Result<NodeId, LeaderFault>> {
    const request = { caller: this.#caller(to), target: target ?? "" };
    const response = await this.#connections.change(
      to,
      memberService.transferLeadership,
      request,
      signal,
    );
    return outcomeOf(response, (id) => (id === "" ? null : (id as NodeId)));
  }

  /** What only the leader can answer, in the words of the state that is agreed on. */
  async ask(
    to: Member,
    question: Uint8Array,
    signal: AbortSignal,
  ): Promise<Result<Uint8Array, LeaderFault>> {
    const request = { caller: this.#caller(to), question };
    const response = await this.#connections.call(to, memberService.ask, request, signal);
    return outcomeOf(response, (answer) => answer);
  }

  /** `address` is any member's. */
  async join(
    address: string,
    { clusterId, member, promote }: Joiner,
    signal: AbortSignal,
  ): Promise<Result<Joined, LeaderFault>> {
    const protocolVersion = versionOf(this.#local);
    const request = { protocolVersion, clusterId: clusterId ?? "", member, promote };
    const target = { id: null, address };
    const response = await this.#connections.change(target, memberService.join, request, signal);
    return outcomeOf(response, joinedFromWire);
  }

  async status(address: string, signal: AbortSignal): Promise<Result<MemberStatus>> {
    const response = await this.#connections.call(
      { id: null, address },
      memberService.status,
      {},
      signal,
    );
    if (!response.ok) return response;
    const decoded = statusFromWire(response.value);
    return decoded === null ? failed(malformed) : ok(decoded);
  }

  /** What is under way ends with E_OUTCOME_UNKNOWN or E_PEER_STOPPED. */
  stop(): void {
    this.#connections.stop();
  }

  #caller({ id: to }: Member): wire.Caller {
    const { id: from, clusterId } = this.#local;
    return { protocolVersion: versionOf(this.#local), clusterId, from, to };
  }

  #follow(member: Member) {
    const forward = (proposals: readonly (readonly Uint8Array[])[]) =>
      this.#forward(member, proposals);
    this.#leader = { member, proposals: new ProposalQueue(forward, this.#options) };
    return this.#leader;
  }

  async #forward(
    leader: Member,
    proposals: readonly (readonly Uint8Array[])[],
  ): Promise<Result<readonly Result<Applied, LeaderFault>[], Fault>> {
    const request = {
      caller: this.#caller(leader),
      proposals: proposals.map((commands) => ({ commands: [...commands] })),
    };
    const response = await this.#connections.change(leader, memberService.forward, request, null);
    if (!response.ok) return response;
    const outcomes = response.value.outcomes.map(outcomeFromWire);
    return ok(outcomes.map((outcome) => outcome ?? failed(noLeaderKnown(malformed))));
  }
}

/** The value of one case of an outcome, decoded; or the fault it carries instead. */
function outcomeOf<Case extends string, Wire, Value>(
  response: Result<{
    outcome: { $case: Case; value: Wire } | { $case: "fault"; value: wire.Fault } | undefined;
  }>,
  decode: (value: Wire) => Value | null,
): Result<Value, LeaderFault> {
  if (!response.ok) return failed(noLeaderKnown(response.fault));
  const { outcome } = response.value;
  if (outcome === undefined) return failed(noLeaderKnown(malformed));
  if (outcome.$case === "fault") return failed(faultFromWire(outcome.value as wire.Fault));
  const value = decode(outcome.value as Wire);
  return value === null ? failed(noLeaderKnown(malformed)) : ok(value);
}

/**
 * Answers the members' calls on the peer port: checks who asks, hands the question to whoever drives
 * Raft, and words the answer.
 */

import {
  type ServerUnaryCall,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import {
  type Fault,
  fault,
  type Logger,
  messageOf,
  type NodeId,
  type Result,
} from "../../base/index.ts";
import type * as wire from "../../wire/meshmend/peer/v1/member.ts";
import type { Joiner, LeaderFault, MemberHandlers } from "./member-calls.ts";
import {
  changesFromWire,
  faultToWire,
  joinedToWire,
  memberFromWire,
  outcomeToWire,
  statusToWire,
} from "./member-codec.ts";
import { memberService } from "./member-service.ts";
import { membershipToWire } from "./message-codec.ts";
import { mismatchOf } from "./peer-credentials.ts";
import { type LocalNode, refusalOfCaller, refusalOfVersion } from "./peer-handshake.ts";
import type { PeerListener } from "./peer-listener.ts";
import { unpinned } from "./unpinned.ts";

export interface MemberServerParts {
  readonly logger: Logger;
  /** Its owner starts it after this server was made. */
  readonly listener: Pick<PeerListener, "serve" | "admit">;
  readonly handlers: MemberHandlers;
}

type Call = ServerUnaryCall<unknown, unknown>;
type Answer<Response> = Response | Fault;

/** Of one call; a client of ours sends far fewer. */
const maxProposals = 16_384;
const malformed = fault("E_PEER_MALFORMED", "the call is no call of this protocol");

export class MemberServer {
  readonly #parts: MemberServerParts;
  readonly #local: LocalNode;

  constructor(parts: MemberServerParts, local: LocalNode) {
    this.#parts = parts;
    this.#local = local;
    const { handlers } = parts;
    const implementation: UntypedServiceImplementation = {
      forward: this.#unary<wire.ForwardRequest, wire.ForwardResponse>(
        async ({ caller, proposals }, call, signal) => {
          const refusal = this.#refusal(caller, call);
          if (refusal !== null) return refusal;
          if (proposals.length > maxProposals) return malformed;
          // They go into the log; all of them come from one frame.
          const owned = unpinned(proposals.flatMap(({ commands }) => commands));
          let next = 0;
          const outcomes = proposals.map(({ commands }) => {
            const first = next;
            next += commands.length;
            return handlers.propose(owned.slice(first, next), signal);
          });
          return { outcomes: (await Promise.all(outcomes)).map(outcomeToWire) };
        },
      ),
      join: this.#unary<wire.JoinRequest, wire.JoinResponse>(async (request, call, signal) => {
        const joiner = this.#joiner(request, call);
        if ("code" in joiner) return joiner;
        return { outcome: either("joined", await handlers.join(joiner, signal), joinedToWire) };
      }),
      changeMembership: this.#unary<wire.ChangeMembershipRequest, wire.ChangeMembershipResponse>(
        async (request, call, signal) => {
          const refusal = this.#refusal(request.caller, call);
          if (refusal !== null) return refusal;
          const changes = changesFromWire(request.changes);
          if (changes === null) return malformed;
          const result = await handlers.changeMembership(changes, signal);
          return { outcome: either("membership", result, membershipToWire) };
        },
      ),
      transferLeadership: this.#unary<
        wire.TransferLeadershipRequest,
        wire.TransferLeadershipResponse
      >(async ({ caller, target }, call, signal) => {
        const refusal = this.#refusal(caller, call);
        if (refusal !== null) return refusal;
        const wanted = target === "" ? null : (target as NodeId);
        const result = await handlers.transferLeadership(wanted, signal);
        return { outcome: either("target", result, (chosen) => chosen) };
      }),
      status: this.#unary<wire.StatusRequest, wire.StatusResponse>(() =>
        Promise.resolve(statusToWire(handlers.status())),
      ),
    };
    parts.listener.serve(memberService, implementation);
  }

  /** A refusal travels as gRPC's status, its code before a colon; a leader's answer as a value. */
  #unary<Request, Response>(
    answer: (request: Request, call: Call, signal: AbortSignal) => Promise<Answer<Response>>,
  ) {
    return (call: ServerUnaryCall<Request | null, Response>, reply: sendUnaryData<Response>) => {
      const over = new AbortController();
      call.on("cancelled", () => over.abort());
      const refuse = ({ code, message }: Fault): void => {
        const refused = { from: call.getPeer(), fault: { code, message } };
        this.#parts.logger.warn("a call on the peer port is refused", refused);
        reply({ code: status.FAILED_PRECONDITION, details: `${code}: ${message}` });
      };
      if (call.request === null) return refuse(malformed);
      answer(call.request, call, over.signal).then(
        (response) => {
          if (over.signal.aborted) return;
          if (isFault(response)) return refuse(response);
          this.#parts.listener.admit(call.getPeer());
          reply(null, response);
        },
        (thrown: unknown) => {
          const error = messageOf(thrown);
          this.#parts.logger.error("a call of a peer met a bug", { path: call.getPath(), error });
          reply({ code: status.INTERNAL, details: "a bug in the node that was asked" });
        },
      );
    };
  }

  #refusal(caller: wire.Caller | undefined, call: Call): Fault | null {
    if (caller === undefined) return malformed;
    return refusalOfCaller(caller, this.#local) ?? certificateMismatch(call, caller.from);
  }

  #joiner(request: wire.JoinRequest, call: Call): Joiner | Fault {
    const { clusterId, promote } = request;
    const refusal = refusalOfVersion(request.protocolVersion, this.#local);
    if (refusal !== null) return refusal;
    if (clusterId !== "" && clusterId !== this.#local.clusterId) {
      const message = `this is a node of ${this.#local.clusterId}, not of ${clusterId}`;
      return fault("E_PEER_WRONG_CLUSTER", message);
    }
    const member = request.member === undefined ? null : memberFromWire(request.member);
    if (member === null || member.address === "") return malformed;
    return (
      certificateMismatch(call, member.id) ?? {
        clusterId: clusterId === "" ? null : clusterId,
        member,
        promote,
      }
    );
  }
}

/** With TLS, whoever says a name must have a certificate of it. */
function certificateMismatch(call: Call, from: string): Fault | null {
  const { transportSecurityType, sslPeerCertificate } = call.getAuthContext();
  if (transportSecurityType === undefined) return null;
  return mismatchOf(sslPeerCertificate ?? {}, from as NodeId);
}

function isFault(answer: unknown): answer is Fault {
  return typeof answer === "object" && answer !== null && "code" in answer;
}

function either<Case extends string, Value, Wire>(
  $case: Case,
  result: Result<Value, LeaderFault>,
  toWire: (value: Value) => Wire,
) {
  return result.ok
    ? { $case, value: toWire(result.value) }
    : { $case: "fault" as const, value: faultToWire(result.fault) };
}

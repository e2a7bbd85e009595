/** The gRPC methods of the members' calls. Bytes that do not decode become null, never a throw. */

import type { MethodDefinition } from "@grpc/grpc-js";
import * as wire from "../../wire/meshmend/peer/v1/member.ts";

interface Codec<Value> {
  encode(value: Value): { finish(): Uint8Array<ArrayBuffer> };
  decode(bytes: Uint8Array): Value;
}

export type UnaryMethod<Request, Response> = MethodDefinition<Request | null, Response | null>;

export const memberService = {
  forward: unary("Forward", wire.ForwardRequest, wire.ForwardResponse),
  join: unary("Join", wire.JoinRequest, wire.JoinResponse),
  changeMembership: unary(
    "ChangeMembership",
    wire.ChangeMembershipRequest,
    wire.ChangeMembershipResponse,
  ),
  transferLeadership: unary(
    "TransferLeadership",
    wire.TransferLeadershipRequest,
    wire.TransferLeadershipResponse,
  ),
  status: unary("Status", wire.StatusRequest, wire.StatusResponse),
};

function unary<Request, Response>(
  name: string,
  request: Codec<Request>,
  response: Codec<Response>,
): UnaryMethod<Request, Response> {
  return {
    path: `/meshmend.peer.v1.MemberService/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: encoder(request),
    requestDeserialize: decoder(request),
    responseSerialize: encoder(response),
    responseDeserialize: decoder(response),
  };
}

function encoder<Value>(codec: Codec<Value>) {
  return (value: Value | null): Buffer => {
    if (value === null) throw new Error("broken invariant: expected something to send");
    const { buffer, byteOffset, byteLength } = codec.encode(value).finish();
    return Buffer.from(buffer, byteOffset, byteLength);
  };
}

function decoder<Value>(codec: Codec<Value>) {
  return (frame: Buffer): Value | null => {
    try {
      return codec.decode(new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength));
    } catch {
      // Whoever is handed null says E_PEER_MALFORMED.
      return null;
    }
  };
}

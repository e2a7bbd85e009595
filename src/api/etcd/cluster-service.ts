/** `etcdserverpb.Cluster`: who is a member. */

import type { Fault, Result } from "../../base/index.ts";
import { failed, fault } from "../../base/index.ts";
import {
  type Member,
  MemberAddRequest,
  MemberAddResponse,
  MemberListRequest,
  MemberListResponse,
  MemberPromoteRequest,
  MemberPromoteResponse,
  MemberRemoveRequest,
  MemberRemoveResponse,
  MemberUpdateRequest,
  MemberUpdateResponse,
} from "../../wire/etcd/rpc.ts";
import type { Methods } from "../grpc/method.ts";
import type { ClusterMember, MembersPort } from "../member-port.ts";
import type { ReplyHeader } from "./reply-header.ts";
import { unary } from "./unary.ts";

/** These calls have nothing to do with keys. */
const noRevision = 0;

export function clusterMethods(parts: {
  readonly members: MembersPort;
  readonly header: ReplyHeader;
}): Methods {
  const { members, header } = parts;
  const listed = (outcome: Result<readonly ClusterMember[], Fault>) =>
    outcome.ok ? header.with(noRevision, { members: outcome.value.map(onTheWire) }) : outcome;
  return {
    "/etcdserverpb.Cluster/MemberList": unary(
      MemberListRequest,
      MemberListResponse,
      async ({ linearizable }) => listed(await members.members(linearizable)),
    ),
    "/etcdserverpb.Cluster/MemberAdd": unary(
      MemberAddRequest,
      MemberAddResponse,
      async ({ peerURLs, isLearner }) => {
        const added = await members.memberAdd(peerURLs, isLearner);
        if (!added.ok) return added;
        return header.with(noRevision, {
          member: onTheWire(added.value.member),
          members: added.value.members.map(onTheWire),
        });
      },
    ),
    "/etcdserverpb.Cluster/MemberRemove": unary(
      MemberRemoveRequest,
      MemberRemoveResponse,
      async ({ ID }) => listed(await members.memberRemove(BigInt(ID))),
    ),
    "/etcdserverpb.Cluster/MemberPromote": unary(
      MemberPromoteRequest,
      MemberPromoteResponse,
      async ({ ID }) => listed(await members.memberPromote(BigInt(ID))),
    ),
    "/etcdserverpb.Cluster/MemberUpdate": unary(
      MemberUpdateRequest,
      MemberUpdateResponse,
      async () => failed(fixedAddress),
    ),
  };
}

const fixedAddress = fault(
  "E_MEMBER_UPDATE",
  "a member's address is what it announces itself: restart it with another --peer",
);

function onTheWire(member: ClusterMember): Member {
  return {
    ID: member.id.toString(),
    name: member.name,
    peerURLs: [...member.peerUrls],
    clientURLs: [...member.clientUrls],
    isLearner: member.isLearner,
  };
}

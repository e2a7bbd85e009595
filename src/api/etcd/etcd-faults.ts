/**
 * Our faults in the words of etcd's API (api/v3rpc/rpctypes/error.go): clients compare these codes
 * and messages letter by letter, to know what to retry.
 */

import type { Fault } from "../../base/index.ts";
import { type GrpcCodeName, type GrpcFailure, grpcFailure } from "../grpc/grpc-status.ts";

const table: Readonly<Record<string, readonly [GrpcCodeName, string]>> = {
  E_KEY_EMPTY: ["invalidArgument", "etcdserver: key is not provided"],
  E_KEY_NOT_FOUND: ["invalidArgument", "etcdserver: key not found"],
  E_KEY_DUPLICATE: ["invalidArgument", "etcdserver: duplicate key given in txn request"],
  E_VALUE_PROVIDED: ["invalidArgument", "etcdserver: value is provided"],
  E_LEASE_PROVIDED: ["invalidArgument", "etcdserver: lease is provided"],
  E_TOO_MANY_OPERATIONS: ["invalidArgument", "etcdserver: too many operations in txn request"],
  E_REQUEST_TOO_LARGE: ["invalidArgument", "etcdserver: request is too large"],
  E_COMPACTED: ["outOfRange", "etcdserver: mvcc: required revision has been compacted"],
  E_FUTURE_REVISION: ["outOfRange", "etcdserver: mvcc: required revision is a future revision"],
  E_NO_SPACE: ["resourceExhausted", "etcdserver: mvcc: database space exceeded"],
  E_STORE_CORRUPT: ["dataLoss", "etcdserver: corrupt cluster"],
  E_LEASE_NOT_FOUND: ["notFound", "etcdserver: requested lease not found"],
  E_LEASE_EXISTS: ["failedPrecondition", "etcdserver: lease already exists"],
  E_LEASE_TTL: ["outOfRange", "etcdserver: too large lease TTL"],
  E_MEMBER_NOT_FOUND: ["notFound", "etcdserver: member not found"],
  E_MEMBER_NOT_LEARNER: ["failedPrecondition", "etcdserver: can only promote a learner member"],
  E_LAST_VOTER: [
    "failedPrecondition",
    "etcdserver: re-configuration failed due to not enough started members",
  ],
  E_TRANSFER_FAILED: ["unavailable", "etcdserver: request timed out"],
  E_CHANGE_PENDING: [
    "failedPrecondition",
    "etcdserver: re-configuration failed due to not enough started members",
  ],
  E_TRANSFER_TARGET: ["failedPrecondition", "etcdserver: bad leader transferee"],
  E_OVERLOADED: ["resourceExhausted", "etcdserver: too many requests"],
  E_NO_LEADER: ["unavailable", "etcdserver: no leader"],
  E_NOT_LEADER: ["failedPrecondition", "etcdserver: not leader"],
  E_LEADERSHIP_LOST: ["unavailable", "etcdserver: leader changed"],
  E_TRANSFER_IN_PROGRESS: ["unavailable", "etcdserver: leader changed"],
  E_NODE_STOPPING: ["unavailable", "etcdserver: server stopped"],
  E_NOT_STARTED: ["unavailable", "etcdserver: server stopped"],
  E_GROUP_UNAVAILABLE: ["unavailable", "etcdserver: server stopped"],
  E_PEER_MALFORMED: ["unavailable", "etcdserver: request timed out"],
  E_PEER_TIMEOUT: ["unavailable", "etcdserver: request timed out"],
  E_REMOVED: ["unavailable", "etcdserver: server stopped"],
  E_READ_TIMEOUT: ["unavailable", "etcdserver: request timed out"],
  E_OUTCOME_UNKNOWN: ["unavailable", "etcdserver: request timed out"],
  E_PEER_UNREACHABLE: [
    "unavailable",
    "etcdserver: request timed out, possibly due to connection lost",
  ],
  // What E_LEASE_RENEWED and E_COMMAND_UNREADABLE name no client of this API can bring about.
  E_CANCELLED: ["cancelled", "context canceled"],
};

export function etcdFailure(fault: Fault): GrpcFailure {
  const known = Object.hasOwn(table, fault.code) ? table[fault.code] : undefined;
  return known === undefined
    ? grpcFailure("unknown", `${fault.code}: ${fault.message}`)
    : grpcFailure(...known);
}

export const noLeaderKnown = grpcFailure("unavailable", "etcdserver: no leader");

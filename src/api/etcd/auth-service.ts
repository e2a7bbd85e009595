/**
 * `etcdserverpb.Auth`: there are no users and roles here; who may do what is a matter of
 * certificates. Every client can find out, and nobody is let believe that a rule was set.
 */

import { AuthStatusRequest, AuthStatusResponse } from "../../wire/etcd/rpc.ts";
import { grpcFailure } from "../grpc/grpc-status.ts";
import type { Methods, UnaryMethod } from "../grpc/method.ts";
import type { ReplyHeader } from "./reply-header.ts";
import { unary } from "./unary.ts";

const calls = [
  ...["AuthEnable", "AuthDisable", "UserAdd", "UserGet", "UserList", "UserDelete"],
  ...["UserChangePassword", "UserGrantRole", "UserRevokeRole", "RoleAdd", "RoleGet", "RoleList"],
  ...["RoleDelete", "RoleGrantPermission", "RoleRevokePermission"],
];

const refused = (message: string, code: "unimplemented" | "failedPrecondition"): UnaryMethod => ({
  kind: "unary",
  answer: () => grpcFailure(code, message),
});

export function authMethods(header: ReplyHeader): Methods {
  const refusal = refused("meshmend: there are no users and roles", "unimplemented");
  const notEnabled = "etcdserver: authentication is not enabled";
  return {
    ...Object.fromEntries(calls.map((call) => [`/etcdserverpb.Auth/${call}`, refusal])),
    "/etcdserverpb.Auth/Authenticate": refused(notEnabled, "failedPrecondition"),
    "/etcdserverpb.Auth/AuthStatus": unary(AuthStatusRequest, AuthStatusResponse, async () =>
      header.with(0, { enabled: false, authRevision: 0 }),
    ),
  };
}

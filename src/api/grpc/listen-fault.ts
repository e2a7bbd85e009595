/** Why the gRPC face could not listen, in words for whoever started the node. */

import { type Fault, fault, messageOf } from "../../base/index.ts";
import type { GrpcListenFaultCode } from "./server-ports.ts";

export function notLoopback(host: string): Fault<GrpcListenFaultCode> {
  return fault(
    "E_LISTEN_NOT_LOOPBACK",
    `refused to serve keys on ${host}: without TLS the server is for this host alone`,
    "configure TLS with client certificates, or listen on 127.0.0.1 (or, at your own risk, set " +
      "grpc.insecure)",
  );
}

export function listenFault(thrown: unknown, address: string): Fault<GrpcListenFaultCode> {
  const choose = "choose another address with --grpc HOST:PORT";
  switch ((thrown as NodeJS.ErrnoException).code) {
    case "EADDRINUSE":
      return fault(
        "E_ADDRESS_IN_USE",
        `${address}, where keys are to be served over gRPC, is in use by another program`,
        "stop that program (another meshmend, or etcd?), or choose another address with --grpc " +
          "HOST:PORT (or grpc.listen): --grpc 127.0.0.1:0 takes any free port",
      );
    case "EADDRNOTAVAIL":
      return fault("E_ADDRESS_NOT_AVAILABLE", `this host has no address ${address}`, choose);
    case "EACCES":
      return fault("E_ADDRESS_NOT_PERMITTED", `not allowed to listen on ${address}`, choose);
    default:
      return fault("E_LISTEN_FAILED", `cannot listen on ${address}: ${messageOf(thrown)}`);
  }
}

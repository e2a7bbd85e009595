/** What gRPC's status says of a connection between peers, as a fault with a code of ours. */

import { type ServiceError, status } from "@grpc/grpc-js";
import { type Fault, fault } from "../../base/index.ts";

/** Words of OpenSSL and node:tls for "I do not trust you"; gRPC passes them on in its details. */
const distrust = /certificate|self.signed|unknown ca|alert|unable to verify|wrong version number/i;

/** Faults: E_PEER_UNTRUSTED, E_PEER_MALFORMED, E_PEER_FRAME_TOO_LARGE, E_PEER_FAILED, E_PEER_UNREACHABLE. */
export function connectionFault(error: Error): Fault {
  // Every error of a gRPC call is a ServiceError; its types do not say so.
  const { code = status.UNKNOWN, details = error.message } = error as Partial<ServiceError>;
  if (distrust.test(details)) {
    const remedy = "both nodes need certificates of one authority that are valid today";
    return fault("E_PEER_UNTRUSTED", `no trust between the peers: ${details}`, remedy);
  }
  if (code === status.UNIMPLEMENTED) {
    return fault("E_PEER_MALFORMED", "what answers at this address is no peer of this protocol");
  }
  if (code === status.RESOURCE_EXHAUSTED) {
    return fault("E_PEER_FRAME_TOO_LARGE", `the peer takes no frame that large: ${details}`);
  }
  if (code === status.INTERNAL) return fault("E_PEER_FAILED", `the peer failed: ${details}`);
  // gRPC wraps what the socket said: "No connection established. Last error: Error: ... Resolution note: "
  const cause = /Last error: (?:Error: )?(.+?)\.? Resolution note:/s.exec(details)?.[1];
  return fault("E_PEER_UNREACHABLE", `the connection failed: ${cause ?? details}`);
}

/** From the kernel's refusal to a fault that people can act on. */

import { type Fault, fault } from "../../base/index.ts";
import type { NativeError } from "./native-contract.ts";

export type EbpfFaultCode =
  /** The process lacks capabilities; the remedy names them. */
  | "E_NOT_PERMITTED"
  /** The kernel did not accept a program; the message ends with the verifier's log. */
  | "E_PROGRAM_REFUSED"
  /** Another XDP program is attached there, and is not ours to replace. */
  | "E_XDP_OCCUPIED"
  | "E_NO_SUCH_INTERFACE"
  /** A table of the kernel programs, or their places for interfaces, is full. */
  | "E_TABLE_FULL"
  | "E_INVALID_ADDRESS"
  /** Not started, or stopped. */
  | "E_NOT_RUNNING"
  | "E_KERNEL_REFUSED";

export type EbpfFault = Fault<EbpfFaultCode>;

/** The verifier's verdict is at the end of its log; the whole can be a megabyte. */
const logTail = 4000;

export function nativeFault(error: NativeError, what: string): EbpfFault {
  const cause = `${what}: ${error.name}, ${error.message}`;
  if (error.missingCapabilities.length > 0) {
    const names = error.missingCapabilities.join(", ");
    return fault(
      "E_NOT_PERMITTED",
      cause,
      `run with ${names} (systemd: AmbientCapabilities=${error.missingCapabilities.join(" ")})`,
    );
  }
  if (error.operation === "load") {
    const log = error.log.slice(-logTail);
    return fault("E_PROGRAM_REFUSED", log === "" ? cause : `${cause}\n${log}`);
  }
  if (error.name === "ENODEV" || error.name === "ENXIO") return fault("E_NO_SUCH_INTERFACE", cause);
  if (error.name === "E2BIG") return fault("E_TABLE_FULL", cause);
  if (error.name === "EBADF") return fault("E_NOT_RUNNING", cause);
  return fault("E_KERNEL_REFUSED", error.log === "" ? cause : `${cause} (${error.log.trim()})`);
}

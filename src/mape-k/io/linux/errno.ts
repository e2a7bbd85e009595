/** How Node reports what the kernel answered, and how that becomes a fault a sensor may return. */

import { type Fault, fault } from "../../../base/index.ts";

/** The errno name (`ENOENT`) of a failed system call, or null when it was something else. */
export function errnoOf(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !("code" in thrown)) return null;
  return typeof thrown.code === "string" ? thrown.code : null;
}

export type ReadFaultCode = "E_NOT_SUPPORTED" | "E_TOO_MANY_FILES" | "E_SENSOR_READ";

/**
 * The fault for a read of a kernel file that failed. What is no failed system call is a bug and is
 * thrown on.
 */
export function readFault(thrown: unknown, path: string): Fault<ReadFaultCode> {
  const errno = errnoOf(thrown);
  if (errno === null) throw thrown;
  switch (errno) {
    case "ENOENT":
    case "EOPNOTSUPP":
      return fault("E_NOT_SUPPORTED", `this kernel does not offer ${path} (${errno})`);
    case "EMFILE":
    case "ENFILE":
      return noDescriptorLeft(path, errno);
    default:
      return fault("E_SENSOR_READ", `cannot read ${path}: ${errno}`);
  }
}

export function noDescriptorLeft(what: string, errno: string): Fault<"E_TOO_MANY_FILES"> {
  return fault(
    "E_TOO_MANY_FILES",
    `no file descriptor left to open ${what} (${errno})`,
    "raise the limit (LimitNOFILE= in the service) or watch fewer interfaces",
  );
}

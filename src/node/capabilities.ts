/** What the kernel lets this process do: its effective capabilities (capabilities(7), proc(5)). */

import { readFileSync } from "node:fs";

/** Bit numbers of linux/capability.h. */
const bits = { CAP_NET_ADMIN: 12, CAP_NET_RAW: 13, CAP_SYS_ADMIN: 21, CAP_BPF: 39 } as const;

export type Capability = keyof typeof bits;

/** Null when the kernel does not say (no /proc). */
export function hasCapability(capability: Capability, procRoot = "/proc"): boolean | null {
  let status: string;
  try {
    status = readFileSync(`${procRoot}/self/status`, "utf8");
  } catch {
    return null;
  }
  const effective = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(status)?.[1];
  if (effective === undefined) return null;
  return ((BigInt(`0x${effective}`) >> BigInt(bits[capability])) & 1n) === 1n;
}

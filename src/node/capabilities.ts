/**
 * What this process can do here: its effective capabilities (capabilities(7), proc(5)), and whether
 * the native addon is built.
 */

import { readFileSync } from "node:fs";
import { loadNative, type NativeProbe } from "../ebpf/io/load-native.ts";

/** Bit numbers of linux/capability.h. */
const bits = { CAP_NET_ADMIN: 12n, CAP_NET_RAW: 13n, CAP_BPF: 39n } as const;

export type Capability = keyof typeof bits;

/** Null when the kernel does not say (no /proc). */
export function hasCapability(capability: Capability): boolean | null {
  try {
    return capabilityIn(readFileSync("/proc/self/status", "utf8"), capability);
  } catch {
    return null;
  }
}

/** The same from the text of `/proc/<pid>/status`; null when it has no CapEff line. */
export function capabilityIn(status: string, capability: Capability): boolean | null {
  const effective = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(status)?.[1];
  if (effective === undefined) return null;
  return ((BigInt(`0x${effective}`) >> bits[capability]) & 1n) === 1n;
}

/** For faces, which know no feature: is the addon there, and if not, what would bring it? */
export const probeNativeAddon = (): NativeProbe => loadNative();

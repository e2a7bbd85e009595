/**
 * The attributes of `/sys/class/net/<interface>/` as text and what they mean
 * (Documentation/ABI/testing/sysfs-class-net). Every function answers null to what no kernel writes.
 */

import type { OperState } from "../../observation.ts";

const states: ReadonlySet<string> = new Set<OperState>([
  "up",
  "down",
  "dormant",
  "testing",
  "lowerlayerdown",
  "notpresent",
  "unknown",
]);

/** linux/if.h: somebody wants this interface up. */
const iffUp = 0x1;
const iffLoopback = 0x8;

export interface InterfaceFlags {
  readonly adminUp: boolean;
  readonly loopback: boolean;
}

export function parseInterfaceFlags(text: string): InterfaceFlags | null {
  if (!/^0x[0-9a-f]{1,8}\n?$/.test(text)) return null;
  const flags = Number.parseInt(text, 16);
  return { adminUp: (flags & iffUp) !== 0, loopback: (flags & iffLoopback) !== 0 };
}

export function parseOperState(text: string): OperState | null {
  const state = text.trimEnd();
  return states.has(state) ? (state as OperState) : null;
}

/** A count, an index or a size: decimal, not negative. */
export function parseCount(text: string): number | null {
  return /^\d{1,15}\n?$/.test(text) ? Number.parseInt(text, 10) : null;
}

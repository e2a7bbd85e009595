/**
 * Which path entries to delete. The kernel's table is bounded and deletes nothing by itself, so
 * that no count is lost behind our back; whoever floods it with invented originators must
 * not keep the real ones out.
 */

import { meshLimits } from "./mesh-abi.ts";
import type { PathReading } from "./mesh-reading.ts";

/** Above this share of the table, the least established entries go as well. */
const crowded = 0.75;

/** Entries silent for `forgetAfterMs`; in a crowded table also those with the fewest messages. */
export function stalePaths(
  paths: readonly PathReading[],
  forgetAfterMs: number,
  capacity: number = meshLimits.maxPaths,
): readonly PathReading[] {
  const stale = paths.filter(({ stream }) => stream.ageMs > forgetAfterMs);
  const excess = paths.length - stale.length - Math.floor(capacity * crowded);
  if (excess <= 0) return stale;
  const rest = paths.filter(({ stream }) => stream.ageMs <= forgetAfterMs);
  rest.sort((a, b) => a.stream.messages - b.stream.messages || b.stream.ageMs - a.stream.ageMs);
  return [...stale, ...rest.slice(0, excess)];
}

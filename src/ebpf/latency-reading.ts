/** What latency.bpf.c has counted, as plain data; cumulative since it was loaded. */

import { counters, rowsOf, type Table, uint32, uint64 } from "./decode.ts";
import { dropKeyLayout, latencyLayout, latencyLimits, latencyTotals } from "./latency-abi.ts";

export interface LatencyReading {
  readonly ifindex: number;
  /** Bucket i: frames that waited 2^i to 2^(i+1) microseconds; 0: below 2; the last: all above. */
  readonly buckets: readonly number[];
  readonly meanUs: number;
  readonly sent: number;
  /** The driver was busy and the frame went back to the queue. */
  readonly refused: number;
  /** Sent without having been seen queued. */
  readonly unmatched: number;
}

export interface DropReading {
  /** Where it came in, or, of our own packets, was to go out; 0: unknown. */
  readonly ifindex: number;
  /** `SKB_DROP_REASON_...` without the prefix, or the number when the kernel does not name it. */
  readonly reason: string;
  readonly packets: number;
}

export function decodeLatencies(table: Table): LatencyReading[] {
  return [...rowsOf(table, 4, latencyLayout.bytes)].map(({ key, value }) => {
    const buckets = Array.from({ length: latencyLimits.buckets }, (_, i) =>
      uint64(value, latencyLayout.buckets + 8 * i),
    );
    const timed = buckets.reduce((sum, count) => sum + count, 0);
    return {
      ifindex: uint32(key, 0),
      buckets,
      meanUs: timed === 0 ? 0 : uint64(value, latencyLayout.totalNs) / timed / 1000,
      sent: uint64(value, latencyLayout.sent),
      refused: uint64(value, latencyLayout.refused),
      unmatched: uint64(value, latencyLayout.unmatched),
    };
  });
}

/** `names` are those of `enum skb_drop_reason` in the running kernel. */
export function decodeDrops(table: Table, names: Readonly<Record<string, number>>): DropReading[] {
  const byNumber = new Map(
    Object.entries(names).map(([name, number]) => [
      number,
      name.replace(/^SKB_(DROP_REASON_)?/, ""),
    ]),
  );
  return [...rowsOf(table, dropKeyLayout.bytes, 8)].map(({ key, value }) => {
    const reason = uint32(key, dropKeyLayout.reason);
    return {
      ifindex: uint32(key, dropKeyLayout.ifindex),
      reason: byNumber.get(reason) ?? String(reason),
      packets: uint64(value, 0),
    };
  });
}

export function decodeTotals(table: Table) {
  const view = new DataView(table.values.buffer, table.values.byteOffset, table.values.byteLength);
  return counters(view, 0, latencyTotals);
}

/**
 * The latency below which `share` (0 to 1) of the frames stayed, in microseconds: the upper bound
 * of its bucket, so never too small. Null without frames.
 */
export function latencyQuantileUs(buckets: readonly number[], share: number): number | null {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let below = 0;
  for (const [i, count] of buckets.entries()) {
    below += count;
    if (below >= share * total) return 2 ** (i + 1);
  }
  return 2 ** buckets.length;
}

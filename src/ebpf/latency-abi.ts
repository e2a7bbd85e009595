/** The shapes of bpf/latency-abi.h; a test compiles that header and compares. */

export const latencyLimits = {
  buckets: 24,
  maxInterfaces: 256,
  maxDrops: 2048,
} as const;

export const latencyLayout = {
  bytes: 224,
  buckets: 0,
  totalNs: 192,
  sent: 200,
  refused: 208,
  unmatched: 216,
} as const;

export const dropKeyLayout = { bytes: 8, ifindex: 0, reason: 4 } as const;

/** `enum latency_total`, in its order. */
export const latencyTotals = ["tcp-retransmits", "drops-uncounted"] as const;

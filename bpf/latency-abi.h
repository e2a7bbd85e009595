/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What latency.bpf.c and user space agree on. src/ebpf/latency-abi.ts mirrors it, and a test
 * compares the two. All values are arrays of u64, so that per-CPU ones can be summed blindly.
 */
#ifndef MESHMEND_LATENCY_ABI_H
#define MESHMEND_LATENCY_ABI_H

#include <linux/types.h>

#define LATENCY_MAX_INTERFACES 256
#define LATENCY_MAX_QUEUED 8192
#define LATENCY_MAX_DROPS 2048

/* Bucket i counts latencies of 2^i to 2^(i+1) microseconds; 0 those below 2, the last all above. */
#define LATENCY_BUCKETS 24

/* By ifindex. */
struct latency_interface {
	__u64 buckets[LATENCY_BUCKETS];
	__u64 total_ns;
	__u64 sent;
	__u64 refused;	 /* the driver did not take the frame; it stays queued */
	__u64 unmatched; /* sent without having been seen queued: segments, forwards of XDP */
};

/* Frames dropped by interface and reason (enum skb_drop_reason of the running kernel). */
struct latency_drop_key {
	__u32 ifindex; /* where it came in; of our own, where it was to go out; 0: unknown */
	__u32 reason;
};

enum latency_total {
	LATENCY_TCP_RETRANSMITS,
	LATENCY_DROPS_UNCOUNTED, /* the table of drops was full */
	LATENCY_TOTALS,
};

_Static_assert(sizeof(struct latency_interface) == 28 * 8, "no hidden padding");
_Static_assert(sizeof(struct latency_drop_key) == 8, "no hidden padding");

#endif

// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * How long frames wait between the queueing discipline and the driver, why the kernel drops
 * packets, and how often TCP repeats itself: from tracepoints by BTF, which need no tracefs.
 */
#include "latency-abi.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Only what is read; libbpf moves the offsets to where the running kernel has them. */
struct net_device {
	int ifindex;
} __attribute__((preserve_access_index));

struct sk_buff {
	struct net_device *dev;
	int skb_iif;
} __attribute__((preserve_access_index));

/* When a buffer was queued, by its address. Least recently used, since some are never sent. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LATENCY_MAX_QUEUED);
	__type(key, __u64);
	__type(value, __u64);
} queued SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, LATENCY_MAX_INTERFACES);
	__type(key, __u32);
	__type(value, struct latency_interface);
} latencies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, LATENCY_MAX_DROPS);
	__type(key, struct latency_drop_key);
	__type(value, __u64);
} drops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LATENCY_TOTALS);
	__type(key, __u32);
	__type(value, __u64);
} totals SEC(".maps");

static const struct latency_interface zero_interface;

static __always_inline void count_total(__u32 which)
{
	__u64 *total = bpf_map_lookup_elem(&totals, &which);

	if (total)
		(*total)++;
}

static __always_inline struct latency_interface *interface_of(const struct net_device *device)
{
	__u32 ifindex = device->ifindex;
	struct latency_interface *interface = bpf_map_lookup_elem(&latencies, &ifindex);

	if (interface)
		return interface;
	bpf_map_update_elem(&latencies, &ifindex, &zero_interface, BPF_NOEXIST);
	return bpf_map_lookup_elem(&latencies, &ifindex);
}

/* The logarithm to base 2, by halving: BPF has no instruction for it. */
static __always_inline __u32 bucket_of(__u64 microseconds)
{
	__u32 bucket = 0;

	for (__u32 half = 32; half > 0; half /= 2) {
		if (microseconds >> half) {
			bucket += half;
			microseconds >>= half;
		}
	}
	return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

SEC("tp_btf/net_dev_queue")
int BPF_PROG(meshmend_queue, struct sk_buff *buffer)
{
	__u64 key = (__u64)buffer, now_ns = bpf_ktime_get_ns();

	bpf_map_update_elem(&queued, &key, &now_ns, BPF_ANY);
	return 0;
}

SEC("tp_btf/net_dev_xmit")
int BPF_PROG(meshmend_xmit, struct sk_buff *buffer, int answer, struct net_device *device)
{
	struct latency_interface *interface = interface_of(device);
	/* The buffer may be free by now: only its address is used. */
	__u64 key = (__u64)buffer, waited_ns, *since_ns;
	__u32 bucket;

	if (!interface)
		return 0;
	/* dev_xmit_complete(): from NET_XMIT_MASK on, it stays in the queue. */
	if (answer >= 0x0f) {
		interface->refused++;
		return 0;
	}
	interface->sent++;
	since_ns = bpf_map_lookup_elem(&queued, &key);
	if (!since_ns) {
		interface->unmatched++;
		return 0;
	}
	waited_ns = bpf_ktime_get_ns() - *since_ns;
	bpf_map_delete_elem(&queued, &key);
	interface->total_ns += waited_ns;
	bucket = bucket_of(waited_ns / 1000);
	if (bucket < LATENCY_BUCKETS)
		interface->buckets[bucket]++;
	return 0;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(meshmend_drop, struct sk_buff *buffer, void *location, unsigned int reason)
{
	struct latency_drop_key key = { .ifindex = buffer->skb_iif, .reason = reason };
	__u64 address = (__u64)buffer, zero = 0, *count;

	/* Its address will be another buffer's. */
	bpf_map_delete_elem(&queued, &address);
	/* Of a received buffer, `dev` may be overlaid by other fields. */
	if (key.ifindex == 0 && buffer->dev)
		key.ifindex = buffer->dev->ifindex;
	count = bpf_map_lookup_elem(&drops, &key);
	if (!count) {
		bpf_map_update_elem(&drops, &key, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&drops, &key);
	}
	if (count)
		(*count)++;
	else
		count_total(LATENCY_DROPS_UNCOUNTED);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(meshmend_resend)
{
	count_total(LATENCY_TCP_RETRANSMITS);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

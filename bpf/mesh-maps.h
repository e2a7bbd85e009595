/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The maps of mesh.bpf.c, their lookups, the lock of their entries, and the event ring. */
#ifndef MESHMEND_MESH_MAPS_H
#define MESHMEND_MESH_MAPS_H

#include "mesh-abi.h"

#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>

#define NSEC_PER_USEC 1000ULL
#define NSEC_PER_MSEC 1000000ULL

#define ALWAYS_INLINE static inline __attribute__((always_inline))
/* Off the fast path: kept out of it, so that it stays small. */
#define RARE static __attribute__((noinline))

/* Which interface has a place: its ifindex, or 0. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MESH_INTERFACE_PLACES);
	__type(key, __u32);
	__type(value, __u32);
} places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MESH_INTERFACE_PLACES);
	__type(key, __u32);
	__type(value, struct mesh_interface);
} interfaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MESH_MAX_NEIGHBOURS);
	__type(key, struct mesh_neighbour_key);
	__type(value, struct mesh_neighbour);
} neighbours SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MESH_MAX_PATHS);
	__type(key, struct mesh_path_key);
	__type(value, struct mesh_path);
} paths SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MESH_MAX_SOURCES);
	__type(key, struct mesh_source_key);
	__type(value, struct mesh_source);
} sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MESH_MAX_DENIED);
	__type(key, struct mesh_denied_key);
	__type(value, __u64); /* frames dropped */
} denied SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mesh_settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, MESH_EVENT_RING_BYTES);
} events SEC(".maps");

ALWAYS_INLINE struct mesh_settings *settings_now(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

/* Null when user space has not registered it, or no more. */
ALWAYS_INLINE struct mesh_interface *interface_of(__u32 ifindex)
{
	for (__u32 i = 0; i < MESH_PROBES; i++) {
		__u32 place = (ifindex + i) % MESH_INTERFACE_PLACES;
		__u32 *taken_by = bpf_map_lookup_elem(&places, &place);

		if (taken_by && *taken_by == ifindex)
			return bpf_map_lookup_elem(&interfaces, &place);
	}
	return 0;
}

/*
 * bpf_spin_lock() costs 40 ns here, this 2 (it need not mask interrupts: none of our programs runs
 * in one). It gives up in the end, so that a stalled CPU costs a count and never the traffic.
 */
ALWAYS_INLINE int lock(__u32 *word)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < 128; i++)
		if (__sync_lock_test_and_set(word, 1) == 0)
			return 1;
	return 0;
}

ALWAYS_INLINE void unlock(__u32 *word)
{
	/* Not a plain store: what was written under the lock must be seen before it. */
	__sync_lock_test_and_set(word, 0);
}

ALWAYS_INLINE void copy_mac(__u8 *to, const __u8 *from)
{
	__builtin_memcpy(to, from, ETH_ALEN);
}

/* Addresses stand at even offsets in our structures and, as the kernel packs them, in frames. */
ALWAYS_INLINE int same_mac(const __u8 *a, const __u8 *b)
{
	const __u16 *x = (const void *)a, *y = (const void *)b;

	return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2])) == 0;
}

RARE void count_trouble(__u32 ifindex, enum mesh_trouble trouble)
{
	struct mesh_interface *interface = interface_of(ifindex);

	if (interface)
		interface->counters.troubles[trouble]++;
}

RARE void announce(const struct mesh_neighbour_key *who, __u32 kind, __u8 stream, __u32 value,
		   __u64 now_ns)
{
	struct mesh_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		count_trouble(who->ifindex, MESH_EVENT_LOST);
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->at_ns = now_ns;
	event->kind = kind;
	event->ifindex = who->ifindex;
	event->value = value;
	event->stream = stream;
	copy_mac(event->neighbour, who->mac);
	bpf_ringbuf_submit(event, 0);
}

#endif

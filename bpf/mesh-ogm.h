/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Originator messages, aggregated or not, of BATMAN IV and V. */
#ifndef MESHMEND_MESH_OGM_H
#define MESHMEND_MESH_OGM_H

#include "mesh-neighbour.h"

#include <bpf/bpf_endian.h>
#include <linux/batadv_packet.h>

ALWAYS_INLINE int is_own_mac(const __u8 *mac, __u32 ifindex)
{
	const struct mesh_interface *interface = interface_of(ifindex);

	return interface && same_mac(mac, interface->mac);
}

ALWAYS_INLINE void key_of_source(struct mesh_neighbour_key *key, __u32 ifindex,
				 const struct ethhdr *ethernet)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->ifindex = ifindex;
	copy_mac(key->mac, ethernet->h_source);
}

/* The message could not be tracked; the offset of the next stands in the other bits. */
#define UNTRACKED 0x80000000u
/* Aggregates end within BATADV_MAX_AGGREGATION_BYTES (512); the mask is for the verifier. */
#define OFFSET_MASK 0x7ff

/*
 * One OGM of an aggregate, at `offset`; `alive` when an earlier one was the neighbour's sign of
 * life, so that only its own numbers need its entry again. Returns the offset of the next, with
 * UNTRACKED where that applies; 0 when the frame cuts it off. A global function, so that the
 * verifier reads it once and not for each turn of the loop.
 */
__attribute__((noinline)) int iv_ogm_at(struct xdp_md *ctx, __u32 offset, __u32 alive, __u64 now_ns)
{
	const __u8 *data = (const __u8 *)(long)ctx->data, *end = (const __u8 *)(long)ctx->data_end;
	const struct ethhdr *ethernet = (const void *)data;
	__u32 first = offset == ETH_HLEN, length = end - data, ifindex = ctx->ingress_ifindex;
	struct message message = { .stream = MESH_DIRECT_STREAMS };
	const struct batadv_ogm_packet *ogm;
	struct mesh_neighbour_key from;
	__u32 next, heard;

	offset &= OFFSET_MASK;
	ogm = (const void *)(data + offset);
	if (data + ETH_HLEN > end || (const __u8 *)(ogm + 1) > end)
		return 0;
	next = offset + sizeof(*ogm) + bpf_ntohs(ogm->tvlv_len);
	if (next > length)
		return 0;
	key_of_source(&from, ifindex, ethernet);
	message.number = bpf_ntohl(ogm->seqno);
	message.quality = ogm->tq;
	message.ttl = ogm->ttl;
	if (same_mac(ogm->orig, ethernet->h_source))
		message.stream = MESH_STREAM_IV_OGM;
	else if ((ogm->flags & BATADV_DIRECTLINK) && is_own_mac(ogm->orig, ifindex))
		message.stream = MESH_STREAM_IV_ECHO;
	/* The frame's time suits its first message. */
	if (message.stream == MESH_STREAM_IV_OGM && !first)
		now_ns = bpf_ktime_get_ns();
	heard = (alive && message.stream == MESH_DIRECT_STREAMS) ||
		hear(&from, &message, first, first ? length : 0, now_ns);
	if (heard && message.stream == MESH_DIRECT_STREAMS)
		count_path(&from, ogm->orig, MESH_IV_OGM, &message, now_ns);
	return heard ? next : next | UNTRACKED;
}

/* The same for BATMAN V. */
__attribute__((noinline)) int ogm2_at(struct xdp_md *ctx, __u32 offset, __u32 alive, __u64 now_ns)
{
	const __u8 *data = (const __u8 *)(long)ctx->data, *end = (const __u8 *)(long)ctx->data_end;
	const struct ethhdr *ethernet = (const void *)data;
	__u32 first = offset == ETH_HLEN, length = end - data, ifindex = ctx->ingress_ifindex;
	struct message message = { .stream = MESH_DIRECT_STREAMS };
	const struct batadv_ogm2_packet *ogm;
	struct mesh_neighbour_key from;
	__u32 next, heard;

	offset &= OFFSET_MASK;
	ogm = (const void *)(data + offset);
	if (data + ETH_HLEN > end || (const __u8 *)(ogm + 1) > end)
		return 0;
	next = offset + sizeof(*ogm) + bpf_ntohs(ogm->tvlv_len);
	if (next > length)
		return 0;
	key_of_source(&from, ifindex, ethernet);
	message.number = bpf_ntohl(ogm->seqno);
	message.quality = bpf_ntohl(ogm->throughput);
	message.ttl = ogm->ttl;
	if (same_mac(ogm->orig, ethernet->h_source))
		message.stream = MESH_STREAM_OGM2;
	/* The frame's time suits its first message. */
	if (message.stream == MESH_STREAM_OGM2 && !first)
		now_ns = bpf_ktime_get_ns();
	heard = (alive && message.stream == MESH_DIRECT_STREAMS) ||
		hear(&from, &message, first, first ? length : 0, now_ns);
	if (heard && message.stream == MESH_DIRECT_STREAMS)
		count_path(&from, ogm->orig, MESH_OGM2, &message, now_ns);
	return heard ? next : next | UNTRACKED;
}

/* After the first, what does not look like an OGM is padding, and no error. */
ALWAYS_INLINE int ogm_begins(struct xdp_md *ctx, __u32 offset, __u8 type)
{
	const __u8 *end = (const __u8 *)(long)ctx->data_end;
	const __u8 *at = (const __u8 *)(long)ctx->data + (offset & OFFSET_MASK);

	return at + 2 <= end && at[0] == type && at[1] == BATADV_COMPAT_VERSION;
}

ALWAYS_INLINE enum mesh_verdict read_aggregate(struct xdp_md *ctx, struct mesh_interface *interface,
					       __u8 type, __u64 now_ns)
{
	enum mesh_verdict verdict = MESH_PASS_TRACKED;
	__u32 offset = ETH_HLEN, alive = 0, answer;

	for (int i = 0; i < MESH_MAX_AGGREGATED; i++) {
		if (!ogm_begins(ctx, offset, type))
			return verdict;
		answer = type == BATADV_IV_OGM ? iv_ogm_at(ctx, offset, alive, now_ns)
					       : ogm2_at(ctx, offset, alive, now_ns);
		if (answer == 0)
			return MESH_PASS_TRUNCATED;
		interface->counters.ogms++;
		if (answer & UNTRACKED)
			verdict = MESH_PASS_UNTRACKED;
		else
			alive = 1;
		offset = answer & ~UNTRACKED;
		if (offset > OFFSET_MASK)
			return verdict;
	}
	interface->counters.troubles[MESH_AGGREGATE_TOO_LONG]++;
	return verdict;
}

#endif

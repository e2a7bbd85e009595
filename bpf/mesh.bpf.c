// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * Sits on each hard interface of the mesh and reads batman-adv's own frames: who is there, what
 * is missing, who fell silent. It passes everything unless user space asked for a filter. The
 * frame formats are those of linux/batadv_packet.h, compatibility version 15.
 */
#include "mesh-ogm.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/batadv_packet.h>
#include <linux/if_ether.h>

#ifndef ETH_P_BATMAN
#define ETH_P_BATMAN 0x4305
#endif
/* BATADV_MCAST, since Linux 6.9. */
#define TYPE_MCAST 0x05

ALWAYS_INLINE enum mesh_verdict read_elp(struct xdp_md *ctx, const struct mesh_neighbour_key *from,
					 __u64 now_ns)
{
	const __u8 *data = (const __u8 *)(long)ctx->data, *end = (const __u8 *)(long)ctx->data_end;
	const struct ethhdr *ethernet = (const void *)data;
	const struct batadv_elp_packet *elp = (const void *)(data + ETH_HLEN);
	struct message message = { .stream = MESH_STREAM_ELP };
	__u32 interval_ms;

	if ((const __u8 *)(elp + 1) > end)
		return MESH_PASS_TRUNCATED;
	message.number = bpf_ntohl(elp->seqno);
	interval_ms = bpf_ntohl(elp->elp_interval);
	/* An interval beyond the sane would make a neighbour silent at once, or never. */
	if (interval_ms >= 40 && interval_ms <= 60000)
		message.interval_us = interval_ms * 1000;
	/* Throughput probes on Wi-Fi are unicast copies with the same number: a sign of life only.
	 */
	if (!(ethernet->h_dest[0] & 1))
		message.stream = MESH_DIRECT_STREAMS;
	return hear(from, &message, 1, end - data, now_ns) ? MESH_PASS_TRACKED
							   : MESH_PASS_UNTRACKED;
}

/* GCRA; two CPUs at the same moment may let one broadcast too many pass. */
ALWAYS_INLINE int over_the_limit(__u32 ifindex, const __u8 *originator)
{
	struct mesh_settings *now = settings_now();
	struct mesh_source_key key = { .ifindex = ifindex };
	struct mesh_source fresh = {}, *source;
	__u64 due_ns, now_ns;

	if (!now || now->broadcast_interval_ns == 0)
		return 0;
	now_ns = bpf_ktime_get_ns();
	copy_mac(key.originator, originator);
	source = bpf_map_lookup_elem(&sources, &key);
	if (!source) {
		fresh.due_ns = now_ns + now->broadcast_interval_ns;
		bpf_map_update_elem(&sources, &key, &fresh, BPF_ANY);
		return 0;
	}
	due_ns = source->due_ns > now_ns ? source->due_ns : now_ns;
	if (due_ns - now_ns > now->broadcast_burst_ns) {
		__sync_fetch_and_add(&source->dropped, 1);
		return 1;
	}
	source->due_ns = due_ns + now->broadcast_interval_ns;
	return 0;
}

ALWAYS_INLINE enum mesh_verdict read_broadcast(struct xdp_md *ctx,
					       const struct mesh_neighbour_key *from, __u64 now_ns)
{
	const __u8 *data = (const __u8 *)(long)ctx->data, *end = (const __u8 *)(long)ctx->data_end;
	const struct batadv_bcast_packet *broadcast = (const void *)(data + ETH_HLEN);
	struct message message = { .stream = MESH_DIRECT_STREAMS };

	if ((const __u8 *)(broadcast + 1) > end)
		return MESH_PASS_TRUNCATED;
	message.number = bpf_ntohl(broadcast->seqno);
	message.ttl = broadcast->ttl;
	if (!hear(from, &message, 1, end - data, now_ns))
		return over_the_limit(from->ifindex, broadcast->orig) ? MESH_DROP_RATE
								      : MESH_PASS_UNTRACKED;
	count_path(from, broadcast->orig, MESH_BCAST, &message, now_ns);
	return over_the_limit(from->ifindex, broadcast->orig) ? MESH_DROP_RATE : MESH_PASS_TRACKED;
}

ALWAYS_INLINE enum mesh_protocol protocol_of(__u8 type)
{
	switch (type) {
	case BATADV_IV_OGM:
		return MESH_IV_OGM;
	case BATADV_BCAST:
		return MESH_BCAST;
	case BATADV_CODED:
		return MESH_CODED;
	case BATADV_ELP:
		return MESH_ELP;
	case BATADV_OGM2:
		return MESH_OGM2;
	case TYPE_MCAST:
		return MESH_MCAST;
	case BATADV_UNICAST:
		return MESH_UNICAST;
	case BATADV_UNICAST_FRAG:
		return MESH_UNICAST_FRAG;
	case BATADV_UNICAST_4ADDR:
		return MESH_UNICAST_4ADDR;
	case BATADV_ICMP:
		return MESH_ICMP;
	case BATADV_UNICAST_TVLV:
		return MESH_UNICAST_TVLV;
	default:
		return MESH_UNKNOWN;
	}
}

/* What a complete header of each kind without numbers takes. */
ALWAYS_INLINE __u32 header_bytes(enum mesh_protocol protocol)
{
	switch (protocol) {
	case MESH_UNICAST:
		return sizeof(struct batadv_unicast_packet);
	case MESH_UNICAST_4ADDR:
		return sizeof(struct batadv_unicast_4addr_packet);
	case MESH_UNICAST_FRAG:
		return sizeof(struct batadv_frag_packet);
	case MESH_ICMP:
		return sizeof(struct batadv_icmp_header);
	case MESH_UNICAST_TVLV:
		return sizeof(struct batadv_unicast_tvlv_packet);
	case MESH_CODED:
		return sizeof(struct batadv_coded_packet);
	default:
		return 2;
	}
}

ALWAYS_INLINE int is_denied(const __u8 *source)
{
	struct mesh_settings *now = settings_now();
	struct mesh_denied_key key = {};
	__u64 *dropped;

	if (!now || now->denied == 0)
		return 0;
	copy_mac(key.mac, source);
	dropped = bpf_map_lookup_elem(&denied, &key);
	if (!dropped)
		return 0;
	__sync_fetch_and_add(dropped, 1);
	return 1;
}

/*
 * Reading the exact time takes 31 ns, the coarse one (of the last tick, 1 to 10 ms ago) 15, and
 * which tick it is 2: so the coarse one is kept while the tick lasts. It will do for a sign of
 * life, and for what was passed on, which batman-adv delays by up to 20 ms on purpose; ELPs and the
 * neighbour's own OGMs, whose jitter is measured, get the exact one.
 */
ALWAYS_INLINE __u64 time_of(struct xdp_md *ctx, struct mesh_interface *interface,
			    enum mesh_protocol protocol)
{
	const __u8 *data = (const __u8 *)(long)ctx->data, *end = (const __u8 *)(long)ctx->data_end;
	const struct ethhdr *ethernet = (const void *)data;
	/* The address stands at the same place in an OGM2. */
	const struct batadv_ogm_packet *ogm = (const void *)(data + ETH_HLEN);
	__u64 tick;

	if (protocol == MESH_ELP)
		return bpf_ktime_get_ns();
	if ((protocol == MESH_IV_OGM || protocol == MESH_OGM2) && ogm->orig + ETH_ALEN <= end &&
	    same_mac(ogm->orig, ethernet->h_source))
		return bpf_ktime_get_ns();
	tick = bpf_jiffies64();
	if (interface->tick != tick) {
		interface->tick = tick;
		interface->tick_ns = bpf_ktime_get_coarse_ns();
	}
	return interface->tick_ns;
}

ALWAYS_INLINE enum mesh_verdict read_frame(struct xdp_md *ctx, struct mesh_interface *interface,
					   enum mesh_protocol protocol)
{
	const __u8 *data = (const __u8 *)(long)ctx->data, *end = (const __u8 *)(long)ctx->data_end;
	const struct ethhdr *ethernet = (const void *)data;
	struct message message = { .stream = MESH_DIRECT_STREAMS };
	struct mesh_neighbour_key from;
	__u64 now_ns;

	if (data + ETH_HLEN + 2 > end)
		return MESH_PASS_TRUNCATED;
	if (data[ETH_HLEN + 1] != BATADV_COMPAT_VERSION)
		return MESH_PASS_BAD_VERSION;
	if ((ethernet->h_source[0] & 1) ||
	    !(ethernet->h_source[0] | ethernet->h_source[1] | ethernet->h_source[2] |
	      ethernet->h_source[3] | ethernet->h_source[4] | ethernet->h_source[5]))
		return MESH_PASS_BAD_SOURCE;
	if (data + ETH_HLEN + header_bytes(protocol) > end)
		return MESH_PASS_TRUNCATED;
	now_ns = time_of(ctx, interface, protocol);
	if (protocol == MESH_IV_OGM || protocol == MESH_OGM2)
		return read_aggregate(ctx, interface, data[ETH_HLEN], now_ns);
	key_of_source(&from, ctx->ingress_ifindex, ethernet);
	if (protocol == MESH_ELP)
		return read_elp(ctx, &from, now_ns);
	if (protocol == MESH_BCAST)
		return read_broadcast(ctx, &from, now_ns);
	return hear(&from, &message, 1, end - data, now_ns) ? MESH_PASS_TRACKED
							    : MESH_PASS_UNTRACKED;
}

ALWAYS_INLINE int see(struct xdp_md *ctx)
{
	const __u8 *data = (const __u8 *)(long)ctx->data, *end = (const __u8 *)(long)ctx->data_end;
	const struct ethhdr *ethernet = (const void *)data;
	enum mesh_protocol protocol = MESH_FOREIGN;
	enum mesh_verdict verdict = MESH_PASS_FOREIGN;
	__u32 ifindex = ctx->ingress_ifindex;
	struct mesh_interface *interface = interface_of(ifindex);

	/* Not registered, or no more: it is not ours to count. */
	if (!interface || data + ETH_HLEN > end)
		return XDP_PASS;
	if (ethernet->h_proto == bpf_htons(ETH_P_BATMAN))
		protocol = data + ETH_HLEN < end ? protocol_of(data[ETH_HLEN]) : MESH_UNKNOWN;
	if (is_denied(ethernet->h_source))
		verdict = MESH_DROP_DENIED;
	else if (protocol != MESH_FOREIGN)
		verdict = read_frame(ctx, interface, protocol);
	if (protocol < MESH_PROTOCOLS) {
		interface->counters.frames[protocol]++;
		interface->counters.bytes[protocol] += end - data;
	}
	if (verdict < MESH_VERDICTS)
		interface->counters.verdicts[verdict]++;
	return verdict == MESH_DROP_DENIED || verdict == MESH_DROP_RATE ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int meshmend_mesh(struct xdp_md *ctx)
{
	return see(ctx);
}

/* The timer helpers are for GPL-compatible programs; the source may also be used under Apache-2.0.
 */
char LICENSE[] SEC("license") = "GPL";

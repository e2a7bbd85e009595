// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
/*
 * Sits on each hard interface of the mesh and reads batman-adv's own frames: who is there, what
 * is missing, who fell silent. It passes everything unless user space asked for a filter. The
 * frame formats are those of linux/batadv_packet.h, compatibility version 15.
 */
#include "mesh-abi.h"
#include "stream.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/batadv_packet.h>
#include <linux/if_ether.h>

#ifndef ETH_P_BATMAN
#define ETH_P_BATMAN 0x4305
#endif
#define CLOCK_MONOTONIC 1
#define NSEC_PER_USEC 1000ULL
#define NSEC_PER_MSEC 1000000ULL
/* BATADV_MCAST, since Linux 6.9. */
#define TYPE_MCAST 0x05

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

/* Too large for the stack. */
static const __u64 zero_neighbour[sizeof(struct mesh_neighbour) / 8];

#define ALWAYS_INLINE static inline __attribute__((always_inline))
/* Off the fast path: kept out of it, so that it stays small. */
#define RARE static __attribute__((noinline))

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

ALWAYS_INLINE int same_mac(const __u8 *a, const __u8 *b)
{
	__u8 different = 0;

	for (int i = 0; i < ETH_ALEN; i++)
		different |= a[i] ^ b[i];
	return different == 0;
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

ALWAYS_INLINE __u32 as_ms(__u64 ns)
{
	__u64 ms = ns / NSEC_PER_MSEC;

	return ms > 0xffffffff ? 0xffffffff : ms;
}

/* How long a neighbour may be quiet. */
ALWAYS_INLINE __u64 patience_ns(const struct mesh_neighbour *neighbour,
				const struct mesh_settings *now)
{
	__u64 interval_us = neighbour->interval_us ? neighbour->interval_us
						   : now->default_interval_us;

	return interval_us * now->silent_after_intervals * NSEC_PER_USEC;
}

/*
 * Runs when a neighbour's patience should be over: either it is silent now, or it was heard
 * since and the timer waits for the rest. A silent one is forgotten after a longer time.
 */
static int on_silence(void *map, struct mesh_neighbour_key *key, struct mesh_neighbour *neighbour)
{
	struct mesh_settings *now = settings_now();
	__u64 now_ns = bpf_ktime_get_ns();
	__u64 limit_ns, quiet_ns;
	int fell_silent = 0, silent;

	if (!now || !lock(&neighbour->lock)) {
		bpf_timer_start(&neighbour->timer, NSEC_PER_MSEC, 0);
		return 0;
	}
	quiet_ns = now_ns > neighbour->last_ns ? now_ns - neighbour->last_ns : 0;
	limit_ns = patience_ns(neighbour, now);
	if (neighbour->state == MESH_ALIVE && quiet_ns >= limit_ns) {
		neighbour->state = MESH_SILENT;
		neighbour->silences++;
		fell_silent = 1;
	}
	silent = neighbour->state == MESH_SILENT;
	unlock(&neighbour->lock);

	if (fell_silent)
		announce(key, MESH_EVENT_SILENT, 0, as_ms(quiet_ns), now_ns);
	if (silent)
		limit_ns = now->forget_after_ns;
	if (silent && quiet_ns >= limit_ns) {
		bpf_map_delete_elem(&neighbours, key);
		return 0;
	}
	limit_ns = limit_ns > quiet_ns ? limit_ns - quiet_ns : 0;
	/* Settings of zero must not make a timer that fires without end. */
	bpf_timer_start(&neighbour->timer, limit_ns > NSEC_PER_MSEC ? limit_ns : NSEC_PER_MSEC, 0);
	return 0;
}

#define EBUSY 16

/*
 * Has the kernel watch the neighbour's silence. It may lack the memory at this moment (since 6.18 it
 * does so in bursts, as it allocates without waiting for locks), so the next frame tries again.
 */
RARE void arm(struct mesh_neighbour *neighbour, __u32 ifindex, __u32 interval_us)
{
	long error = bpf_timer_init(&neighbour->timer, &neighbours, CLOCK_MONOTONIC);

	/* Another frame came so far, and perhaps no farther. */
	if (error == -EBUSY)
		error = 0;
	if (error || bpf_timer_set_callback(&neighbour->timer, on_silence) ||
	    bpf_timer_start(&neighbour->timer, interval_us * NSEC_PER_USEC, 0))
		count_trouble(ifindex, MESH_TIMER_FAILED);
	else
		neighbour->timed = 1;
}

/* Finds the neighbour, or makes its entry. Null when the table is full. */
ALWAYS_INLINE struct mesh_neighbour *neighbour_of(const struct mesh_neighbour_key *key,
						  const struct mesh_settings *now, __u64 now_ns)
{
	struct mesh_neighbour *neighbour = bpf_map_lookup_elem(&neighbours, key);
	long error;

	if (neighbour)
		return neighbour;
	error = bpf_map_update_elem(&neighbours, key, zero_neighbour, BPF_NOEXIST);
	neighbour = bpf_map_lookup_elem(&neighbours, key);
	/* With an error and an entry, another CPU made it at the same moment. */
	if (error || !neighbour)
		return neighbour;
	neighbour->state = MESH_ALIVE;
	neighbour->first_ns = now_ns;
	neighbour->last_ns = now_ns;
	if (now->announce_neighbours)
		announce(key, MESH_EVENT_NEW_NEIGHBOUR, 0, 0, now_ns);
	return neighbour;
}

/* A numbered message, taken out of its frame. */
struct message {
	__u32 number;
	__u32 quality;
	__u32 interval_us; /* stated in the message (ELP), else 0 */
	__u8 ttl;
	__u8 stream; /* enum mesh_direct_stream; MESH_DIRECT_STREAMS: none, a sign of life only */
};

/* What is to be announced once the lock is given back. */
struct news {
	__u64 silent_ns;
	__u32 burst; /* an event kind, or 0 */
	__u32 burst_lost;
	__u32 restarted;
};

ALWAYS_INLINE void judge_burst(struct mesh_stream *stream, const struct mesh_settings *now,
			       struct news *news)
{
	__u32 lost;

	if (now->burst_lost == 0 || stream->window < now->burst_window)
		return;
	lost = stream_recent_lost(stream, now->burst_window);
	if (!stream->bursting && lost >= now->burst_lost) {
		stream->bursting = 1;
		news->burst = MESH_EVENT_BURST_BEGAN;
	} else if (stream->bursting && lost * 2 < now->burst_lost) {
		stream->bursting = 0;
		news->burst = MESH_EVENT_BURST_ENDED;
	}
	news->burst_lost = lost;
}

/* Under the neighbour's lock. */
ALWAYS_INLINE void count_direct(struct mesh_neighbour *neighbour, const struct message *message,
				const struct mesh_settings *now, __u64 now_ns, struct news *news)
{
	struct mesh_stream *stream;
	enum stream_change change;
	__u32 index = message->stream;

	if (index >= MESH_DIRECT_STREAMS)
		return;
	/* The compiler must not fold the check away before the verifier has seen a bounded index. */
	asm volatile("" : "+r"(index));
	stream = &neighbour->streams[index & (MESH_DIRECT_STREAMS - 1)];
	change = stream_count(stream, message->number, now_ns);
	if (change == STREAM_OLD)
		return;
	stream->quality = message->quality;
	stream->ttl = message->ttl;
	if (message->interval_us) {
		neighbour->interval_us = message->interval_us;
		neighbour->interval_stated = 1;
	} else if (!neighbour->interval_stated && message->stream != MESH_STREAM_IV_ECHO &&
		   stream->interval_us) {
		neighbour->interval_us = stream->interval_us;
	}
	if (change == STREAM_RESTARTED)
		news->restarted = 1;
	judge_burst(stream, now, news);
}

/* Notes a sign of life and counts the message. Returns 0 when it could not be counted. */
ALWAYS_INLINE int hear(const struct mesh_neighbour_key *key, const struct message *message,
		       __u32 frames, __u32 bytes, __u64 now_ns)
{
	struct mesh_settings *now = settings_now();
	struct mesh_neighbour *neighbour;
	struct news news = {};

	if (!now)
		return 0;
	neighbour = neighbour_of(key, now, now_ns);
	if (!neighbour)
		return 0;
	if (!neighbour->timed)
		arm(neighbour, key->ifindex, now->default_interval_us);
	if (!lock(&neighbour->lock)) {
		count_trouble(key->ifindex, MESH_CONTENDED);
		return 0;
	}
	if (neighbour->state == MESH_SILENT) {
		neighbour->state = MESH_ALIVE;
		news.silent_ns = now_ns - neighbour->last_ns;
	}
	neighbour->last_ns = now_ns;
	neighbour->frames += frames;
	neighbour->bytes += bytes;
	count_direct(neighbour, message, now, now_ns, &news);
	unlock(&neighbour->lock);

	if (news.silent_ns) {
		bpf_timer_start(&neighbour->timer, patience_ns(neighbour, now), 0);
		announce(key, MESH_EVENT_RETURNED, 0, as_ms(news.silent_ns), now_ns);
	}
	if (news.restarted)
		announce(key, MESH_EVENT_RESTARTED, message->stream, message->number, now_ns);
	if (news.burst)
		announce(key, news.burst, message->stream, news.burst_lost, now_ns);
	return 1;
}

ALWAYS_INLINE void count_path(const struct mesh_neighbour_key *from, const __u8 *originator,
			      __u8 protocol, const struct message *message, __u64 now_ns)
{
	static const struct mesh_path zero_path;
	struct mesh_path_key key = { .ifindex = from->ifindex, .protocol = protocol };
	struct mesh_path *path;

	copy_mac(key.neighbour, from->mac);
	copy_mac(key.originator, originator);
	path = bpf_map_lookup_elem(&paths, &key);
	if (!path) {
		bpf_map_update_elem(&paths, &key, &zero_path, BPF_NOEXIST);
		path = bpf_map_lookup_elem(&paths, &key);
	}
	if (!path) {
		count_trouble(from->ifindex, MESH_PATH_TABLE_FULL);
		return;
	}
	if (!lock(&path->lock)) {
		count_trouble(from->ifindex, MESH_CONTENDED);
		return;
	}
	if (stream_count(&path->stream, message->number, now_ns) != STREAM_OLD) {
		path->stream.quality = message->quality;
		path->stream.ttl = message->ttl;
	}
	unlock(&path->lock);
}

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
 * One OGM of an aggregate, at `offset`. Returns the offset of the next, with UNTRACKED where that
 * applies; 0 when the frame cuts it off. A global function, so that the verifier reads it once and
 * not for each turn of the loop.
 */
__attribute__((noinline)) int iv_ogm_at(struct xdp_md *ctx, __u32 offset, __u64 now_ns)
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
	heard = hear(&from, &message, first, first ? length : 0, now_ns);
	if (heard && message.stream == MESH_DIRECT_STREAMS)
		count_path(&from, ogm->orig, MESH_IV_OGM, &message, now_ns);
	return heard ? next : next | UNTRACKED;
}

/* The same for BATMAN V. */
__attribute__((noinline)) int ogm2_at(struct xdp_md *ctx, __u32 offset, __u64 now_ns)
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
	heard = hear(&from, &message, first, first ? length : 0, now_ns);
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
	__u32 offset = ETH_HLEN, answer;

	for (int i = 0; i < MESH_MAX_AGGREGATED; i++) {
		if (!ogm_begins(ctx, offset, type))
			return verdict;
		answer = type == BATADV_IV_OGM ? iv_ogm_at(ctx, offset, now_ns)
					       : ogm2_at(ctx, offset, now_ns);
		if (answer == 0)
			return MESH_PASS_TRUNCATED;
		interface->counters.ogms++;
		if (answer & UNTRACKED)
			verdict = MESH_PASS_UNTRACKED;
		offset = answer & ~UNTRACKED;
		if (offset > OFFSET_MASK)
			return verdict;
	}
	interface->counters.troubles[MESH_AGGREGATE_TOO_LONG]++;
	return verdict;
}

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
	/* Throughput probes on Wi-Fi are unicast copies with the same number: a sign of life only. */
	if (!(ethernet->h_dest[0] & 1))
		message.stream = MESH_DIRECT_STREAMS;
	return hear(from, &message, 1, end - data, now_ns) ? MESH_PASS_TRACKED
							   : MESH_PASS_UNTRACKED;
}

/* GCRA; two CPUs at the same moment may let one broadcast too many pass. */
ALWAYS_INLINE int over_the_limit(__u32 ifindex, const __u8 *originator, __u64 now_ns)
{
	struct mesh_settings *now = settings_now();
	struct mesh_source_key key = { .ifindex = ifindex };
	struct mesh_source fresh = {}, *source;
	__u64 due_ns;

	if (!now || now->broadcast_interval_ns == 0)
		return 0;
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
		return over_the_limit(from->ifindex, broadcast->orig, now_ns) ? MESH_DROP_RATE
									      : MESH_PASS_UNTRACKED;
	count_path(from, broadcast->orig, MESH_BCAST, &message, now_ns);
	return over_the_limit(from->ifindex, broadcast->orig, now_ns) ? MESH_DROP_RATE
								      : MESH_PASS_TRACKED;
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
	now_ns = bpf_ktime_get_ns();
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

/* The timer helpers are for GPL-compatible programs; the source may also be used under Apache-2.0. */
char LICENSE[] SEC("license") = "GPL";

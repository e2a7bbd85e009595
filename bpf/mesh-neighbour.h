/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What is known of a neighbour: its numbered messages, its bursts of loss, and its silence, which
 * the kernel watches with a timer for each.
 */
#ifndef MESHMEND_MESH_NEIGHBOUR_H
#define MESHMEND_MESH_NEIGHBOUR_H

#include "mesh-maps.h"
#include "stream.h"

#define CLOCK_MONOTONIC 1
#define EBUSY 16
/* A silent neighbour is looked at this often, in case it returned while its timer was being set. */
#define SILENT_LOOK_NS (5 * 1000 * NSEC_PER_MSEC)

/* Too large for the stack. */
static const __u64 zero_neighbour[sizeof(struct mesh_neighbour) / 8];

ALWAYS_INLINE __u32 as_ms(__u64 ns)
{
	__u64 ms = ns / NSEC_PER_MSEC;

	return ms > 0xffffffff ? 0xffffffff : ms;
}

/*
 * How long a neighbour may be quiet. A quarter of an interval is for the jitter that batman-adv puts
 * on its timers (BATADV_JITTER, 20 ms each) and for a busy sender, or two lost messages and a third
 * that is a little late were silence.
 */
ALWAYS_INLINE __u64 patience_ns(const struct mesh_neighbour *neighbour,
				const struct mesh_settings *now)
{
	__u64 interval_us =
		neighbour->interval_us ? neighbour->interval_us : now->default_interval_us;

	return (interval_us * now->silent_after_intervals + interval_us / 4) * NSEC_PER_USEC;
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
	if (silent && limit_ns > SILENT_LOOK_NS)
		limit_ns = SILENT_LOOK_NS;
	/* Settings of zero must not make a timer that fires without end. */
	bpf_timer_start(&neighbour->timer, limit_ns > NSEC_PER_MSEC ? limit_ns : NSEC_PER_MSEC, 0);
	return 0;
}

/*
 * Has the kernel watch the neighbour's silence. It may lack the memory at this moment (since 6.18
 * it does so in bursts, as it allocates without waiting for locks), so the next frame tries again.
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
	/* The compiler must not fold the check away before the verifier has seen a bounded index.
	 */
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
		news.silent_ns = now_ns > neighbour->last_ns ? now_ns - neighbour->last_ns : 1;
	}
	/* Exact and coarse times meet here, and those of two CPUs. */
	if (now_ns > neighbour->last_ns)
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

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Counts what is missing from a sequence of numbered messages, exactly: losses, duplicates and late
 * ones in a window of 64, and restarts as RFC 3550 (appendix A.1) tells them from strays. It
 * calls no helper, so it may run under a spin lock; and it compiles in user space, for tests.
 */
#ifndef MESHMEND_STREAM_H
#define MESHMEND_STREAM_H

#include "mesh-abi.h"

/* A gap above this is not loss but another sequence: 34 minutes of ELPs at 500 ms. */
#define STREAM_MAX_GAP 4096
/* How many may be lost just after a restart without hiding it. */
#define STREAM_RESUME_SLACK 16

enum stream_change { STREAM_OLD, STREAM_NEWEST, STREAM_RESTARTED };

static inline __attribute__((always_inline)) __u32 stream_ones(__u64 bits)
{
	/* BPF has no population count instruction. */
	bits -= (bits >> 1) & 0x5555555555555555ULL;
	bits = (bits & 0x3333333333333333ULL) + ((bits >> 2) & 0x3333333333333333ULL);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (bits * 0x0101010101010101ULL) >> 56;
}

/* How many of the last `of` (1 to 64) messages are missing; fewer when fewer are known. */
static inline __attribute__((always_inline)) __u32 stream_recent_lost(const struct mesh_stream *s,
								      __u32 of)
{
	__u32 known = s->window < of ? s->window : of;

	if (known == 0 || known > 64)
		return 0;
	return stream_ones(~s->received_bits & (~0ULL >> (64 - known)));
}

static inline __attribute__((always_inline)) void stream_begin(struct mesh_stream *s, __u32 number,
							       __u64 now_ns)
{
	s->received_bits = 1;
	s->window = 1;
	s->highest = number;
	s->resume_known = 0;
	s->last_ns = now_ns;
}

static inline __attribute__((always_inline)) void
stream_advance(struct mesh_stream *s, __u32 number, __u32 step, __u64 now_ns)
{
	__u32 window = s->window + step;

	s->lost += step - 1;
	s->received_bits = step < 64 ? s->received_bits << step | 1 : 1;
	s->window = window < 64 ? window : 64;
	s->highest = number;
	s->resume_known = 0;
	if (step == 1) {
		/* Two CPUs may take their time stamps in one order and the lock in the other. */
		__s64 gap_us = now_ns > s->last_ns ? (now_ns - s->last_ns) / 1000 : 0;
		__s64 interval_us = s->interval_us;
		__s64 deviation_us;

		if (gap_us > 0x7fffffff)
			gap_us = 0x7fffffff;
		if (interval_us == 0)
			interval_us = gap_us;
		deviation_us = gap_us - interval_us;
		interval_us += deviation_us >> 3;
		s->interval_us = interval_us;
		if (deviation_us < 0)
			deviation_us = -deviation_us;
		s->jitter_us += (deviation_us - (__s64)s->jitter_us) >> 4;
	}
	s->last_ns = now_ns;
}

/* A number at or before the highest, by `age` < 64. */
static inline __attribute__((always_inline)) void stream_late(struct mesh_stream *s, __u32 age)
{
	__u64 bit = 1ULL << (age & 63);

	if (age >= s->window) {
		/* Older than the first we saw: the sequence began earlier, with a hole between. */
		s->lost += age - s->window;
		s->window = age + 1;
		s->reordered++;
	} else if (s->received_bits & bit) {
		s->duplicates++;
	} else {
		s->lost--;
		s->reordered++;
	}
	s->received_bits |= bit;
}

static inline __attribute__((always_inline)) enum stream_change
stream_count(struct mesh_stream *s, __u32 number, __u64 now_ns)
{
	__u32 step = number - s->highest;
	__u32 beyond = number - s->resume_at;

	s->messages++;
	if (s->window == 0) {
		stream_begin(s, number, now_ns);
		return STREAM_NEWEST;
	}
	if (step - 1 < STREAM_MAX_GAP) {
		stream_advance(s, number, step, now_ns);
		return STREAM_NEWEST;
	}
	if (-step < 64) {
		stream_late(s, -step);
		return STREAM_OLD;
	}
	if (s->resume_known && beyond < STREAM_RESUME_SLACK) {
		/* The stray before this one was the first message of the new sequence. */
		stream_begin(s, number, now_ns);
		s->received_bits |= 1ULL << (beyond + 1);
		s->window = beyond + 2;
		s->lost += beyond;
		s->strays--;
		s->restarts++;
		return STREAM_RESTARTED;
	}
	s->resume_at = number + 1;
	s->resume_known = 1;
	s->strays++;
	return STREAM_OLD;
}

#endif

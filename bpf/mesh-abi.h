/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What mesh.bpf.c and user space agree on: the keys and values of its maps and its events.
 * src/ebpf/mesh-abi.ts mirrors the offsets, and a test compares the two. All integers are in host
 * byte order; addresses are as on the wire. Times are nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef MESHMEND_MESH_ABI_H
#define MESHMEND_MESH_ABI_H

#include <linux/bpf.h>
#include <linux/types.h>

/*
 * An interface's place is the first free one of MESH_PROBES, from its index modulo the number of
 * places: a hash map would cost each frame ten times as much.
 */
#define MESH_INTERFACE_PLACES 64
#define MESH_PROBES 4
#define MESH_MAX_NEIGHBOURS 1024
#define MESH_MAX_PATHS 8192
#define MESH_MAX_SOURCES 4096
#define MESH_MAX_DENIED 1024
#define MESH_EVENT_RING_BYTES (256 * 1024)

/* Kinds of traffic that are counted apart; wire types are in linux/batadv_packet.h. */
enum mesh_protocol {
	MESH_FOREIGN, /* not batman-adv at all */
	MESH_IV_OGM,
	MESH_BCAST,
	MESH_CODED,
	MESH_ELP,
	MESH_OGM2,
	MESH_MCAST,
	MESH_UNICAST,
	MESH_UNICAST_FRAG,
	MESH_UNICAST_4ADDR,
	MESH_ICMP,
	MESH_UNICAST_TVLV,
	MESH_UNKNOWN, /* batman-adv's ethertype, a type we do not know */
	MESH_PROTOCOLS,
};

/* What became of a frame, and why. Every frame has exactly one. */
enum mesh_verdict {
	MESH_PASS_FOREIGN,
	MESH_PASS_TRACKED,
	MESH_PASS_UNTRACKED,   /* well-formed, but a table was full or an entry contended */
	MESH_PASS_TRUNCATED,   /* ends before its header, or inside an aggregate, does */
	MESH_PASS_BAD_VERSION, /* not compatibility version 15 */
	MESH_PASS_BAD_SOURCE,  /* a multicast or zero source address */
	MESH_DROP_DENIED,      /* the source is on the deny list */
	MESH_DROP_RATE,	       /* the originator's broadcasts are above the limit */
	MESH_VERDICTS,
};

/* Things that went wrong beside a frame's verdict. */
enum mesh_trouble {
	MESH_PATH_TABLE_FULL,
	MESH_EVENT_LOST, /* the event ring was full */
	MESH_TIMER_FAILED,
	MESH_AGGREGATE_TOO_LONG, /* more messages in one frame than MESH_MAX_AGGREGATED */
	MESH_CONTENDED,		 /* another CPU held an entry too long: a message went uncounted */
	MESH_TROUBLES,
};

/* 512 bytes (BATADV_MAX_AGGREGATION_BYTES) hold 25 OGM2s without TVLVs. */
#define MESH_MAX_AGGREGATED 32

struct mesh_interface_counters {
	__u64 frames[MESH_PROTOCOLS];
	__u64 bytes[MESH_PROTOCOLS];
	__u64 verdicts[MESH_VERDICTS];
	__u64 troubles[MESH_TROUBLES];
	__u64 ogms; /* OGMs and OGM2s, counting each one of an aggregate */
};

/* One for each CPU; user space stores it with zero counters when it registers the interface. */
struct mesh_interface {
	struct mesh_interface_counters counters;
	__u8 mac[6]; /* the interface's own address, to know echoes of our OGMs */
	__u8 pad[2];
	/* The kernel's tick at which the coarse time was last read here, and that time. */
	__u64 tick;
	__u64 tick_ns;
};

/* One sender's sequence of numbered messages, as received. */
struct mesh_stream {
	__u64 received_bits; /* bit i: sequence number `highest - i` was received */
	__u64 messages;	     /* all, duplicates and strays too */
	__u64 lost; /* not received between the first and the highest; falls when one is late */
	__u64 duplicates;
	__u64 reordered; /* late, but within the window */
	__u64 strays;	 /* far outside the window: not counted as received */
	__u64 restarts;	 /* the sender began to count anew */
	__u64 last_ns;
	__u32 highest;
	__u32 resume_at;   /* the number that would prove a restart */
	__u32 interval_us; /* smoothed (1/8) time between consecutive numbers */
	__u32 jitter_us;   /* smoothed (1/16) deviation from interval_us, as RFC 3550 does */
	__u32 quality;	   /* of the newest: TQ (IV), throughput in 100 kbit/s (V), else 0 */
	__u8 window;	   /* how many of received_bits are meaningful, to 64 */
	__u8 resume_known;
	__u8 bursting; /* a loss burst was announced and is not over */
	__u8 ttl;      /* of the newest; 0 for ELP */
};

enum mesh_direct_stream {
	MESH_STREAM_ELP,
	MESH_STREAM_IV_OGM,  /* the neighbour's own OGMs */
	MESH_STREAM_OGM2,    /* the neighbour's own OGM2s */
	MESH_STREAM_IV_ECHO, /* our own OGMs, echoed with DIRECTLINK */
	MESH_DIRECT_STREAMS,
};

enum mesh_neighbour_state { MESH_ALIVE = 1, MESH_SILENT = 2 };

struct mesh_neighbour_key {
	__u32 ifindex;
	__u8 mac[6];
	__u8 pad[2];
};

struct mesh_neighbour {
	struct bpf_timer timer;
	__u32 lock; /* guards all that follows */
	__u32 state;
	__u64 first_ns;
	__u64 last_ns; /* the last sign of life: any well-formed batman-adv frame */
	__u64 frames;
	__u64 bytes;
	__u64 silences;
	__u32 interval_us;    /* how often a sign of life is due */
	__u8 interval_stated; /* told by ELP, not learned */
	__u8 timed;	      /* the kernel watches its silence */
	__u8 pad[2];
	struct mesh_stream streams[MESH_DIRECT_STREAMS];
};

/* OGMs of an originator through a neighbour that is not the originator, and broadcasts. */
struct mesh_path_key {
	__u32 ifindex;
	__u8 neighbour[6];
	__u8 originator[6];
	__u8 protocol; /* MESH_IV_OGM, MESH_OGM2 or MESH_BCAST */
	__u8 pad[3];
};

struct mesh_path {
	__u32 lock; /* guards the stream */
	__u32 pad;
	struct mesh_stream stream;
};

/* Who may broadcast when: the generic cell rate algorithm (ITU-T I.371). */
struct mesh_source_key {
	__u32 ifindex;
	__u8 originator[6];
	__u8 pad[2];
};

struct mesh_source {
	__u64 due_ns; /* theoretical arrival time of the next broadcast */
	__u64 dropped;
};

struct mesh_denied_key {
	__u8 mac[6];
	__u8 pad[2];
};

struct mesh_settings {
	__u64 broadcast_interval_ns; /* one broadcast per so long and originator; 0: no limit */
	__u64 broadcast_burst_ns;    /* how far ahead of that pace an originator may run */
	__u64 forget_after_ns;	     /* a silent neighbour is deleted after this */
	__u32 denied;		     /* entries on the deny list: 0 spares the lookup */
	__u32 silent_after_intervals;
	__u32 default_interval_us; /* until a neighbour's own is known */
	__u8 burst_window;	   /* of so many messages, 1 to 64... */
	__u8 burst_lost;	   /* ...this many lost are a burst; 0: never */
	__u8 announce_neighbours;
	__u8 pad;
};

enum mesh_event_kind {
	MESH_EVENT_NEW_NEIGHBOUR = 1,
	MESH_EVENT_SILENT,	/* value: ms since the last sign of life */
	MESH_EVENT_RETURNED,	/* value: ms of silence */
	MESH_EVENT_BURST_BEGAN, /* value: lost of the last `burst_window` messages */
	MESH_EVENT_BURST_ENDED,
	MESH_EVENT_RESTARTED, /* a sequence began anew; value: its number */
};

struct mesh_event {
	__u64 at_ns;
	__u32 kind;
	__u32 ifindex;
	__u32 value;
	__u8 neighbour[6];
	__u8 stream; /* enum mesh_direct_stream, for bursts and restarts */
	__u8 pad[5];
};

_Static_assert(sizeof(struct mesh_interface_counters) == 320, "40 counters");
_Static_assert(sizeof(struct mesh_interface) == 344, "no hidden padding");
_Static_assert(sizeof(struct mesh_stream) == 88, "no hidden padding");
_Static_assert(sizeof(struct mesh_neighbour_key) == 12, "no hidden padding");
_Static_assert(sizeof(struct mesh_neighbour) == 72 + 4 * 88, "no hidden padding");
_Static_assert(sizeof(struct mesh_path_key) == 20, "no hidden padding");
_Static_assert(sizeof(struct mesh_path) == 96, "no hidden padding");
_Static_assert(sizeof(struct mesh_source_key) == 12, "no hidden padding");
_Static_assert(sizeof(struct mesh_source) == 16, "no hidden padding");
_Static_assert(sizeof(struct mesh_denied_key) == 8, "no hidden padding");
_Static_assert(sizeof(struct mesh_settings) == 40, "no hidden padding");
_Static_assert(sizeof(struct mesh_event) == 32, "no hidden padding");

#endif

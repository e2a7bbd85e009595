// SPDX-License-Identifier: Apache-2.0
/*
 * ringOpen(object, map, callback): hands over a ring's records in batches, one call per wake-up.
 * A batch is a run of [u32 length, record, padding to 8]. What exceeds one batch stays in the
 * kernel's ring for the next turn of the loop, so a flood ends as drops the program counts,
 * never as growing memory here.
 */
#include "native.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES (64 * 1024)
/* Records are structs of fixed size; one this large would be a bug of ours. */
#define MAX_RECORD_BYTES 4096

struct ring {
	struct poll_source source;
	struct ring_buffer *bpf;
	uint32_t used;
	uint32_t oversized;
	uint8_t batch[BATCH_BYTES];
};

static int on_record(void *context, void *data, size_t size)
{
	struct ring *ring = context;
	uint32_t length = size;

	if (size > MAX_RECORD_BYTES) {
		ring->oversized++;
		return 0;
	}
	memcpy(ring->batch + ring->used, &length, sizeof(length));
	memset(ring->batch + ring->used + 4, 0, 4);
	memcpy(ring->batch + ring->used + 8, data, size);
	ring->used += 8 + ((length + 7) & ~7u);
	/* A negative answer consumes this record and ends the round. */
	return ring->used + 8 + MAX_RECORD_BYTES > BATCH_BYTES ? -EAGAIN : 0;
}

static size_t ready(napi_env env, struct poll_source *source, napi_value *arguments)
{
	struct ring *ring = (struct ring *)source;
	void *data;

	ring->used = 0;
	ring->oversized = 0;
	ring_buffer__consume(ring->bpf);
	if (ring->used == 0 && ring->oversized == 0)
		return 0;
	arguments[0] = new_uint8array(env, ring->used, &data);
	if (arguments[0] == NULL)
		return 0;
	if (ring->used > 0)
		memcpy(data, ring->batch, ring->used);
	napi_create_uint32(env, ring->oversized, &arguments[1]);
	return 2;
}

static void close_ring(struct poll_source *source)
{
	struct ring *ring = (struct ring *)source;

	ring_buffer__free(ring->bpf);
	free(ring);
}

static napi_value ring_open(napi_env env, napi_callback_info info)
{
	napi_value given[3], answer;
	struct bpf_map *map;
	struct ring *ring;
	int error;

	if (!arguments(env, info, 3, given))
		return NULL;
	map = read_map(env, given[0], given[1], &answer);
	if (map == NULL)
		return answer;
	ring = calloc(1, sizeof(*ring));
	if (ring == NULL)
		return fail_errno(env, "ringOpen", ENOMEM, NEEDS_NOTHING);
	ring->source = (struct poll_source) { .ready = ready, .close = close_ring };
	ring->bpf = ring_buffer__new(bpf_map__fd(map), on_record, ring, NULL);
	if (ring->bpf == NULL) {
		error = errno;
		free(ring);
		return fail_errno(env, "ringOpen", error, CAP_BIT(CAP_BPF));
	}
	return start_poll(env, "ringOpen", &ring->source, ring_buffer__epoll_fd(ring->bpf),
			  given[2]);
}

void register_ring_buffer(napi_env env, napi_value exports)
{
	export_function(env, exports, "ringOpen", ring_open);
}

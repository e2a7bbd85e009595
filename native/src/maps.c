// SPDX-License-Identifier: Apache-2.0
/*
 * Reads and writes maps. Values of per-CPU maps are summed here, as arrays of u64, so that the
 * number of CPUs never reaches JavaScript; what is written to one is written for every CPU.
 */
#include "native.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#define NEEDS CAP_BIT(CAP_BPF)

struct layout {
	int fd;
	uint32_t key_bytes;
	uint32_t value_bytes;  /* as JavaScript sees it */
	uint32_t kernel_bytes; /* as the kernel copies it: all CPUs, each padded to 8 */
	uint32_t cpus;	       /* 0: not per CPU */
	uint32_t max_entries;
};

static bool is_per_cpu(enum bpf_map_type type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static struct layout layout_of(const struct bpf_map *map)
{
	struct layout layout = {
		.fd = bpf_map__fd(map),
		.key_bytes = bpf_map__key_size(map),
		.value_bytes = bpf_map__value_size(map),
		.kernel_bytes = bpf_map__value_size(map),
		.max_entries = bpf_map__max_entries(map),
	};

	if (is_per_cpu(bpf_map__type(map))) {
		int cpus = libbpf_num_possible_cpus();

		layout.cpus = cpus > 0 ? cpus : 1;
		layout.kernel_bytes = layout.cpus * ((layout.value_bytes + 7) & ~7u);
	}
	return layout;
}

/* The kernel's copy of one value into JavaScript's. */
static void take_value(const struct layout *layout, const uint8_t *kernel, uint8_t *out)
{
	uint32_t stride = (layout->value_bytes + 7) & ~7u;

	if (layout->cpus == 0) {
		memcpy(out, kernel, layout->value_bytes);
		return;
	}
	memset(out, 0, layout->value_bytes);
	for (uint32_t cpu = 0; cpu < layout->cpus; cpu++) {
		for (uint32_t at = 0; at + 8 <= layout->value_bytes; at += 8) {
			uint64_t sum, one;

			memcpy(&sum, out + at, 8);
			memcpy(&one, kernel + (size_t)cpu * stride + at, 8);
			sum += one;
			memcpy(out + at, &sum, 8);
		}
	}
}

/* mapGet(object, map, key) -> the value, or null */
static napi_value map_get(napi_env env, napi_callback_info info)
{
	napi_value given[3], answer, value;
	struct layout layout;
	struct bpf_map *map;
	uint8_t *key, *kernel;
	size_t length;
	void *out;
	int error;

	if (!arguments(env, info, 3, given))
		return NULL;
	map = read_map(env, given[0], given[1], &answer);
	if (map == NULL)
		return answer;
	layout = layout_of(map);
	if (!read_bytes(env, given[2], &key, &length))
		return NULL;
	if (length != layout.key_bytes)
		return throw_type(env, "the key has another size");
	kernel = malloc(layout.kernel_bytes);
	if (kernel == NULL)
		return fail_errno(env, "mapGet", ENOMEM, NEEDS_NOTHING);
	error = bpf_map_lookup_elem(layout.fd, key, kernel);
	if (error == -ENOENT) {
		napi_get_null(env, &value);
		answer = succeed(env, value);
	} else if (error) {
		answer = fail_errno(env, "mapGet", -error, NEEDS);
	} else {
		value = new_uint8array(env, layout.value_bytes, &out);
		if (value != NULL)
			take_value(&layout, kernel, out);
		answer = value == NULL ? NULL : succeed(env, value);
	}
	free(kernel);
	return answer;
}

static int put(const struct layout *layout, const uint8_t *key, const uint8_t *value)
{
	uint32_t stride = (layout->value_bytes + 7) & ~7u;
	uint8_t *kernel;
	int error;

	if (layout->cpus == 0)
		return bpf_map_update_elem(layout->fd, key, value, BPF_ANY);
	kernel = calloc(1, layout->kernel_bytes);
	if (kernel == NULL)
		return -ENOMEM;
	for (uint32_t cpu = 0; cpu < layout->cpus; cpu++)
		memcpy(kernel + (size_t)cpu * stride, value, layout->value_bytes);
	error = bpf_map_update_elem(layout->fd, key, kernel, BPF_ANY);
	free(kernel);
	return error;
}

/* mapPut(object, map, key, value) */
static napi_value map_put(napi_env env, napi_callback_info info)
{
	size_t key_length, value_length;
	napi_value given[4], answer;
	struct layout layout;
	struct bpf_map *map;
	uint8_t *key, *value;
	int error;

	if (!arguments(env, info, 4, given))
		return NULL;
	map = read_map(env, given[0], given[1], &answer);
	if (map == NULL)
		return answer;
	layout = layout_of(map);
	if (!read_bytes(env, given[2], &key, &key_length) ||
	    !read_bytes(env, given[3], &value, &value_length))
		return NULL;
	if (key_length != layout.key_bytes || value_length != layout.value_bytes)
		return throw_type(env, "the key or the value has another size");
	error = put(&layout, key, value);
	return error ? fail_errno(env, "mapPut", -error, NEEDS) : succeed(env, undefined(env));
}

/* mapDelete(object, map, key) -> was it there */
static napi_value map_delete(napi_env env, napi_callback_info info)
{
	napi_value given[3], answer, existed;
	struct layout layout;
	struct bpf_map *map;
	size_t length;
	uint8_t *key;
	int error;

	if (!arguments(env, info, 3, given))
		return NULL;
	map = read_map(env, given[0], given[1], &answer);
	if (map == NULL)
		return answer;
	layout = layout_of(map);
	if (!read_bytes(env, given[2], &key, &length))
		return NULL;
	if (length != layout.key_bytes)
		return throw_type(env, "the key has another size");
	error = bpf_map_delete_elem(layout.fd, key);
	if (error && error != -ENOENT)
		return fail_errno(env, "mapDelete", -error, NEEDS);
	napi_get_boolean(env, error == 0, &existed);
	return succeed(env, existed);
}

struct table {
	uint8_t *keys;
	uint8_t *values; /* as the kernel copies them */
	uint32_t count;
	uint32_t room;
};

static int read_in_batches(const struct layout *layout, struct table *table)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	/* Wide enough for any position: hash maps use 4 bytes, others a key. */
	uint8_t in[256], out[256];
	bool begun = false;
	int error = 0;

	if (layout->key_bytes > sizeof(in))
		return -EOPNOTSUPP;
	while (error == 0 && table->count < table->room) {
		uint32_t count = table->room - table->count;

		error = bpf_map_lookup_batch(layout->fd, begun ? in : NULL, out,
					     table->keys + (size_t)table->count * layout->key_bytes,
					     table->values +
						     (size_t)table->count * layout->kernel_bytes,
					     &count, &options);
		if (error != 0 && error != -ENOENT)
			return error;
		table->count += count;
		memcpy(in, out, sizeof(in));
		begun = true;
	}
	return 0;
}

static int read_one_by_one(const struct layout *layout, struct table *table)
{
	const uint8_t *before = NULL;

	while (table->count < table->room) {
		uint8_t *key = table->keys + (size_t)table->count * layout->key_bytes;
		uint8_t *value = table->values + (size_t)table->count * layout->kernel_bytes;
		int error = bpf_map_get_next_key(layout->fd, before, key);

		if (error)
			return error == -ENOENT ? 0 : error;
		before = key;
		error = bpf_map_lookup_elem(layout->fd, key, value);
		/* Deleted between the two calls: its place is taken by the next. */
		if (error == 0)
			table->count++;
		else if (error != -ENOENT)
			return error;
		else
			before = table->count == 0 ? NULL : key - layout->key_bytes;
	}
	return 0;
}

static napi_value table_value(napi_env env, const struct layout *layout, const struct table *table)
{
	napi_value value = new_object(env), keys, values;
	void *key_data, *value_data;

	keys = new_uint8array(env, (size_t)table->count * layout->key_bytes, &key_data);
	values = new_uint8array(env, (size_t)table->count * layout->value_bytes, &value_data);
	if (keys == NULL || values == NULL)
		return NULL;
	if (table->count > 0)
		memcpy(key_data, table->keys, (size_t)table->count * layout->key_bytes);
	for (uint32_t i = 0; i < table->count; i++)
		take_value(layout, table->values + (size_t)i * layout->kernel_bytes,
			   (uint8_t *)value_data + (size_t)i * layout->value_bytes);
	set_number(env, value, "count", table->count);
	set(env, value, "keys", keys);
	set(env, value, "values", values);
	return succeed(env, value);
}

/* mapRead(object, map) -> { count, keys, values }, all entries */
static napi_value map_read(napi_env env, napi_callback_info info)
{
	napi_value given[2], answer;
	struct layout layout;
	struct table table = {};
	struct bpf_map *map;
	int error;

	if (!arguments(env, info, 2, given))
		return NULL;
	map = read_map(env, given[0], given[1], &answer);
	if (map == NULL)
		return answer;
	layout = layout_of(map);
	table.room = layout.max_entries;
	table.keys = malloc((size_t)table.room * layout.key_bytes);
	table.values = malloc((size_t)table.room * layout.kernel_bytes);
	if (table.keys == NULL || table.values == NULL) {
		answer = fail_errno(env, "mapRead", ENOMEM, NEEDS_NOTHING);
	} else {
		error = read_in_batches(&layout, &table);
		if (error == -EOPNOTSUPP || error == -EINVAL || error == -524) {
			table.count = 0;
			error = read_one_by_one(&layout, &table);
		}
		answer = error ? fail_errno(env, "mapRead", -error, NEEDS)
			       : table_value(env, &layout, &table);
	}
	free(table.keys);
	free(table.values);
	return answer;
}

void register_maps(napi_env env, napi_value exports)
{
	export_function(env, exports, "mapGet", map_get);
	export_function(env, exports, "mapPut", map_put);
	export_function(env, exports, "mapDelete", map_delete);
	export_function(env, exports, "mapRead", map_read);
}

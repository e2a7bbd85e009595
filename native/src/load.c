// SPDX-License-Identifier: Apache-2.0
/*
 * load(path, programs): opens a BPF object and has the kernel verify the named programs, on a pool
 * thread, since a verifier may think for seconds on a small board. close(object) gives it back.
 */
#include "native.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PROGRAMS 16
#define MAX_NAME 64
#define NEEDS (CAP_BIT(CAP_BPF) | CAP_BIT(CAP_NET_ADMIN) | CAP_BIT(CAP_PERFMON))

struct load_job {
	struct job job;
	char path[PATH_MAX];
	uint32_t count;
	char programs[MAX_PROGRAMS][MAX_NAME];
	struct bpf_object *object;
};

static bool wanted(const struct load_job *job, const char *name)
{
	for (uint32_t i = 0; i < job->count; i++)
		if (strcmp(job->programs[i], name) == 0)
			return true;
	return false;
}

static int open_and_load(struct load_job *job)
{
	struct bpf_program *program;
	uint32_t found = 0;

	job->object = bpf_object__open_file(job->path, NULL);
	if (job->object == NULL)
		return errno;
	bpf_object__for_each_program(program, job->object)
	{
		bool load = wanted(job, bpf_program__name(program));

		found += load;
		bpf_program__set_autoload(program, load);
	}
	if (found != job->count)
		return ENOENT;
	return -bpf_object__load(job->object);
}

static void run(struct job *base)
{
	struct load_job *job = (struct load_job *)base;

	capture_begin();
	job->job.failure.number = open_and_load(job);
	job->job.failure.text = capture_end();
}

static napi_value describe_maps(napi_env env, struct bpf_object *object)
{
	napi_value list, entry;
	struct bpf_map *map;
	uint32_t count = 0;

	napi_create_array(env, &list);
	bpf_object__for_each_map(map, object)
	{
		if (bpf_map__is_internal(map))
			continue;
		entry = new_object(env);
		set_string(env, entry, "name", bpf_map__name(map));
		set_number(env, entry, "type", bpf_map__type(map));
		set_number(env, entry, "keyBytes", bpf_map__key_size(map));
		set_number(env, entry, "valueBytes", bpf_map__value_size(map));
		set_number(env, entry, "maxEntries", bpf_map__max_entries(map));
		napi_set_element(env, list, count++, entry);
	}
	return list;
}

static napi_value describe_programs(napi_env env, struct bpf_object *object)
{
	struct bpf_program *program;
	napi_value list, entry;
	uint32_t count = 0;

	napi_create_array(env, &list);
	bpf_object__for_each_program(program, object)
	{
		struct bpf_prog_info information = {};
		__u32 size = sizeof(information);

		if (!bpf_program__autoload(program) ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(program), &information, &size) != 0)
			continue;
		entry = new_object(env);
		set_string(env, entry, "name", bpf_program__name(program));
		set_number(env, entry, "id", information.id);
		set_number(env, entry, "jitedBytes", information.jited_prog_len);
		set_number(env, entry, "verifiedInstructions", information.verified_insns);
		napi_set_element(env, list, count++, entry);
	}
	return list;
}

static void destroy(napi_env env, void *data, void *hint)
{
	struct object *object = data;

	(void)env;
	(void)hint;
	bpf_object__close(object->bpf);
	free(object);
}

static napi_value finish(napi_env env, struct job *base)
{
	struct load_job *job = (struct load_job *)base;
	napi_value loaded, handle;
	struct object *object = calloc(1, sizeof(*object));

	free(job->job.failure.text);
	job->job.failure.text = NULL;
	if (object == NULL)
		return fail_errno(env, "load", ENOMEM, NEEDS_NOTHING);
	object->bpf = job->object;
	job->object = NULL;
	handle = new_handle(env, HANDLE_OBJECT, object, destroy);
	if (handle == NULL)
		return NULL;
	loaded = new_object(env);
	set(env, loaded, "object", handle);
	set(env, loaded, "maps", describe_maps(env, object->bpf));
	set(env, loaded, "programs", describe_programs(env, object->bpf));
	return succeed(env, loaded);
}

static void release(struct job *base)
{
	struct load_job *job = (struct load_job *)base;

	bpf_object__close(job->object);
	free(job);
}

static bool read_programs(napi_env env, napi_value list, struct load_job *job)
{
	napi_value element;

	if (napi_get_array_length(env, list, &job->count) != napi_ok || job->count > MAX_PROGRAMS) {
		throw_type(env, "expected an array of at most 16 program names");
		return false;
	}
	for (uint32_t i = 0; i < job->count; i++)
		if (napi_get_element(env, list, i, &element) != napi_ok ||
		    !read_string(env, element, job->programs[i], MAX_NAME))
			return false;
	return true;
}

static napi_value load(napi_env env, napi_callback_info info)
{
	napi_value given[2];
	struct load_job *job;

	if (!arguments(env, info, 2, given))
		return NULL;
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return fail_errno(env, "load", ENOMEM, NEEDS_NOTHING);
	job->job = (struct job) { .run = run, .finish = finish, .release = release };
	job->job.failure = (struct failure) { .operation = "load", .needs = NEEDS };
	if (!read_string(env, given[0], job->path, sizeof(job->path)) ||
	    !read_programs(env, given[1], job)) {
		release(&job->job);
		return NULL;
	}
	return start_job(env, "load", &job->job);
}

static napi_value close_object(napi_env env, napi_callback_info info)
{
	struct object *object;
	napi_value given[1];

	if (!arguments(env, info, 1, given))
		return NULL;
	object = read_handle(env, given[0], HANDLE_OBJECT);
	if (object != NULL) {
		bpf_object__close(object->bpf);
		object->bpf = NULL;
	}
	return undefined(env);
}

struct bpf_program *read_program(napi_env env, napi_value value, napi_value name,
				 napi_value *answer)
{
	struct object *object = read_handle(env, value, HANDLE_OBJECT);
	struct bpf_program *program;
	char text[MAX_NAME];

	*answer = NULL;
	if (object == NULL || !read_string(env, name, text, sizeof(text)))
		return NULL;
	if (object->bpf == NULL) {
		*answer = fail_errno(env, "program", EBADF, NEEDS_NOTHING);
		return NULL;
	}
	program = bpf_object__find_program_by_name(object->bpf, text);
	if (program != NULL && bpf_program__fd(program) >= 0)
		return program;
	*answer = fail_errno(env, "program", ENOENT, NEEDS_NOTHING);
	return NULL;
}

struct bpf_map *read_map(napi_env env, napi_value value, napi_value name, napi_value *answer)
{
	struct object *object = read_handle(env, value, HANDLE_OBJECT);
	struct bpf_map *map;
	char text[MAX_NAME];

	*answer = NULL;
	if (object == NULL || !read_string(env, name, text, sizeof(text)))
		return NULL;
	if (object->bpf == NULL) {
		*answer = fail_errno(env, "map", EBADF, NEEDS_NOTHING);
		return NULL;
	}
	map = bpf_object__find_map_by_name(object->bpf, text);
	if (map != NULL)
		return map;
	*answer = fail_errno(env, "map", ENOENT, NEEDS_NOTHING);
	return NULL;
}

void register_load(napi_env env, napi_value exports)
{
	export_function(env, exports, "load", load);
	export_function(env, exports, "close", close_object);
}

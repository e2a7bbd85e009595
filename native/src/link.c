// SPDX-License-Identifier: Apache-2.0
/* linkObjects(inputs, output): several BPF objects into one, with libbpf's static linker. */
#include "native.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INPUTS 16

struct link_job {
	struct job job;
	uint32_t count;
	char *inputs[MAX_INPUTS];
	char output[PATH_MAX];
};

static void run(struct job *base)
{
	struct link_job *job = (struct link_job *)base;
	struct bpf_linker *linker;
	int error = 0;

	capture_begin();
	linker = bpf_linker__new(job->output, NULL);
	if (linker == NULL)
		error = -errno;
	for (uint32_t i = 0; error == 0 && i < job->count; i++)
		error = bpf_linker__add_file(linker, job->inputs[i], NULL);
	if (error == 0)
		error = bpf_linker__finalize(linker);
	bpf_linker__free(linker);
	job->job.failure.text = capture_end();
	job->job.failure.number = -error;
}

static napi_value finish(napi_env env, struct job *job)
{
	free(job->failure.text);
	return succeed(env, undefined(env));
}

static void release(struct job *base)
{
	struct link_job *job = (struct link_job *)base;

	for (uint32_t i = 0; i < job->count; i++)
		free(job->inputs[i]);
	free(job);
}

static napi_value link_objects(napi_env env, napi_callback_info info)
{
	napi_value given[2], element;
	struct link_job *job;
	uint32_t count;
	char path[PATH_MAX];

	if (!arguments(env, info, 2, given))
		return NULL;
	if (napi_get_array_length(env, given[0], &count) != napi_ok || count > MAX_INPUTS)
		return throw_type(env, "expected an array of at most 16 paths");
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return fail_errno(env, "linkObjects", ENOMEM, NEEDS_NOTHING);
	job->job = (struct job) { .run = run, .finish = finish, .release = release };
	job->job.failure.operation = "linkObjects";
	for (uint32_t i = 0; i < count; i++) {
		if (napi_get_element(env, given[0], i, &element) != napi_ok ||
		    !read_string(env, element, path, sizeof(path)) ||
		    (job->inputs[job->count++] = strdup(path)) == NULL) {
			release(&job->job);
			return NULL;
		}
	}
	if (!read_string(env, given[1], job->output, sizeof(job->output))) {
		release(&job->job);
		return NULL;
	}
	return start_job(env, "linkObjects", &job->job);
}

void register_link(napi_env env, napi_value exports)
{
	export_function(env, exports, "linkObjects", link_objects);
}

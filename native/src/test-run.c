// SPDX-License-Identifier: Apache-2.0
/*
 * testRun(object, program, frames, ifindex, repeat): BPF_PROG_TEST_RUN over many frames in one
 * call. `frames` is a run of [u32 length, bytes]. It is for tests and benchmarks.
 */
#include "native.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <string.h>

static int run_one(int fd, const uint8_t *frame, uint32_t length, uint32_t ifindex, uint32_t repeat,
		   uint32_t *verdict, uint64_t *nanoseconds)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);
	struct xdp_md context = { .data_end = length, .ingress_ifindex = ifindex };
	int error;

	options.data_in = frame;
	options.data_size_in = length;
	options.ctx_in = &context;
	options.ctx_size_in = sizeof(context);
	options.repeat = repeat;
	error = bpf_prog_test_run_opts(fd, &options);
	*verdict = options.retval;
	*nanoseconds += options.duration;
	return error;
}

static size_t count_frames(const uint8_t *data, size_t length)
{
	size_t count = 0, at = 0;
	uint32_t one;

	while (at + sizeof(one) <= length) {
		memcpy(&one, data + at, sizeof(one));
		if (one > length - at - sizeof(one))
			return 0;
		at += sizeof(one) + one;
		count++;
	}
	return at == length ? count : 0;
}

static napi_value test_run(napi_env env, napi_callback_info info)
{
	napi_value given[5], answer, verdicts, value;
	uint32_t ifindex, repeat, length;
	uint64_t nanoseconds = 0;
	struct bpf_program *program;
	size_t bytes, count, at = 0;
	uint8_t *frames;
	void *out;

	if (!arguments(env, info, 5, given) || !read_uint32(env, given[3], &ifindex) ||
	    !read_uint32(env, given[4], &repeat))
		return NULL;
	program = read_program(env, given[0], given[1], &answer);
	if (program == NULL)
		return answer;
	if (!read_bytes(env, given[2], &frames, &bytes))
		return NULL;
	count = count_frames(frames, bytes);
	if (count == 0)
		return throw_type(env, "expected frames, each with its length before it");
	verdicts = new_uint8array(env, count, &out);
	if (verdicts == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		uint32_t verdict = 0;
		int error;

		memcpy(&length, frames + at, sizeof(length));
		error = run_one(bpf_program__fd(program), frames + at + sizeof(length), length,
				ifindex, repeat, &verdict, &nanoseconds);
		if (error)
			return fail_errno(env, "testRun", -error, CAP_BIT(CAP_BPF));
		((uint8_t *)out)[i] = verdict;
		at += sizeof(length) + length;
	}
	value = new_object(env);
	set(env, value, "verdicts", verdicts);
	set_number(env, value, "meanNs", (double)nanoseconds / count);
	return succeed(env, value);
}

void register_test_run(napi_env env, napi_value exports)
{
	export_function(env, exports, "testRun", test_run);
}

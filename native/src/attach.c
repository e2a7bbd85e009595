// SPDX-License-Identifier: Apache-2.0
/*
 * Attaches programs by BPF links only: the kernel detaches them when this process ends, however
 * it ends. A link never replaces a program that is attached already.
 */
#define _GNU_SOURCE
#include "native.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct link {
	struct bpf_link *bpf; /* null when made by bpf_link_create(), and once detached */
	int fd;		      /* -1 when libbpf owns it, and once detached */
};

static void detach_now(struct link *link)
{
	if (link->bpf != NULL)
		bpf_link__destroy(link->bpf);
	if (link->fd >= 0)
		close(link->fd);
	link->bpf = NULL;
	link->fd = -1;
}

static void destroy(napi_env env, void *data, void *hint)
{
	(void)env;
	(void)hint;
	detach_now(data);
	free(data);
}

static napi_value link_value(napi_env env, struct bpf_link *bpf, int fd)
{
	struct link *link = calloc(1, sizeof(*link));
	napi_value handle;

	if (link == NULL) {
		struct link lost = { .bpf = bpf, .fd = fd };

		detach_now(&lost);
		return fail_errno(env, "attach", ENOMEM, NEEDS_NOTHING);
	}
	*link = (struct link) { .bpf = bpf, .fd = fd };
	handle = new_handle(env, HANDLE_LINK, link, destroy);
	return handle == NULL ? NULL : succeed(env, handle);
}

/* attachXdp(object, program, ifindex, "native" | "generic") */
static napi_value attach_xdp(napi_env env, napi_callback_info info)
{
	LIBBPF_OPTS(bpf_link_create_opts, options);
	struct bpf_program *program;
	napi_value given[4], answer;
	uint32_t ifindex;
	char mode[16];
	int fd;

	if (!arguments(env, info, 4, given) || !read_uint32(env, given[2], &ifindex) ||
	    !read_string(env, given[3], mode, sizeof(mode)))
		return NULL;
	if (strcmp(mode, "native") != 0 && strcmp(mode, "generic") != 0)
		return throw_type(env, "expected native or generic");
	program = read_program(env, given[0], given[1], &answer);
	if (program == NULL)
		return answer;
	options.flags = mode[0] == 'n' ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	fd = bpf_link_create(bpf_program__fd(program), ifindex, BPF_XDP, &options);
	if (fd < 0)
		return fail_errno(env, "attachXdp", -fd, CAP_BIT(CAP_NET_ADMIN));
	return link_value(env, NULL, fd);
}

/* attachTracing(object, program): to the place the program's section names. */
static napi_value attach_tracing(napi_env env, napi_callback_info info)
{
	struct failure failure = { .operation = "attachTracing", .needs = CAP_BIT(CAP_PERFMON) };
	struct bpf_program *program;
	napi_value given[2], answer;
	struct bpf_link *link;

	if (!arguments(env, info, 2, given))
		return NULL;
	program = read_program(env, given[0], given[1], &answer);
	if (program == NULL)
		return answer;
	capture_begin();
	link = bpf_program__attach(program);
	failure.number = link == NULL ? errno : 0;
	failure.text = capture_end();
	if (link == NULL)
		return fail(env, &failure);
	free(failure.text);
	return link_value(env, link, -1);
}

/* attachCgroup(object, program, path) */
static napi_value attach_cgroup(napi_env env, napi_callback_info info)
{
	uint64_t needs = CAP_BIT(CAP_NET_ADMIN) | CAP_BIT(CAP_BPF);
	struct bpf_program *program;
	napi_value given[3], answer;
	struct bpf_link *link;
	char path[PATH_MAX];
	int cgroup, error;

	if (!arguments(env, info, 3, given) || !read_string(env, given[2], path, sizeof(path)))
		return NULL;
	program = read_program(env, given[0], given[1], &answer);
	if (program == NULL)
		return answer;
	cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup < 0)
		return fail_errno(env, "attachCgroup", errno, NEEDS_NOTHING);
	link = bpf_program__attach_cgroup(program, cgroup);
	error = errno;
	close(cgroup);
	if (link == NULL)
		return fail_errno(env, "attachCgroup", error, needs);
	return link_value(env, link, -1);
}

static napi_value detach(napi_env env, napi_callback_info info)
{
	napi_value given[1];
	struct link *link;

	if (!arguments(env, info, 1, given))
		return NULL;
	link = read_handle(env, given[0], HANDLE_LINK);
	if (link != NULL)
		detach_now(link);
	return undefined(env);
}

void register_attach(napi_env env, napi_value exports)
{
	export_function(env, exports, "attachXdp", attach_xdp);
	export_function(env, exports, "attachTracing", attach_tracing);
	export_function(env, exports, "attachCgroup", attach_cgroup);
	export_function(env, exports, "detach", detach);
}

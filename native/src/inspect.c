// SPDX-License-Identifier: Apache-2.0
/*
 * What is attached to an interface, whose it is, and the removal of exactly that: every removal
 * names the program it expects, so a stranger's that came in between stays.
 */
#include "native.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <unistd.h>

/* Links looked at before giving up: a machine with more has other worries. */
#define MAX_LINKS_SEEN 65536

/* queryXdp(ifindex) -> { nativeProgram, genericProgram, offloadedProgram }, 0 for none */
static napi_value query_xdp(napi_env env, napi_callback_info info)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, options);
	napi_value given[1], found;
	uint32_t ifindex;
	int error;

	if (!arguments(env, info, 1, given) || !read_uint32(env, given[0], &ifindex))
		return NULL;
	error = bpf_xdp_query(ifindex, 0, &options);
	if (error)
		return fail_errno(env, "queryXdp", -error, NEEDS_NOTHING);
	found = new_object(env);
	set_number(env, found, "nativeProgram", options.drv_prog_id);
	set_number(env, found, "genericProgram", options.skb_prog_id);
	set_number(env, found, "offloadedProgram", options.hw_prog_id);
	return succeed(env, found);
}

/* programInfo(id) -> { id, type, name, tag, loadedNs, uid } */
static napi_value program_info(napi_env env, napi_callback_info info)
{
	struct bpf_prog_info information = {};
	__u32 size = sizeof(information);
	napi_value given[1], found;
	char tag[2 * BPF_TAG_SIZE + 1];
	uint32_t id;
	int fd, error;

	if (!arguments(env, info, 1, given) || !read_uint32(env, given[0], &id))
		return NULL;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return fail_errno(env, "programInfo", -fd, CAP_BIT(CAP_SYS_ADMIN));
	error = bpf_obj_get_info_by_fd(fd, &information, &size);
	close(fd);
	if (error)
		return fail_errno(env, "programInfo", -error, NEEDS_NOTHING);
	for (int i = 0; i < BPF_TAG_SIZE; i++)
		snprintf(tag + 2 * i, 3, "%02x", information.tag[i]);
	found = new_object(env);
	set_number(env, found, "id", information.id);
	set_number(env, found, "type", information.type);
	set_string(env, found, "name", information.name);
	set_string(env, found, "tag", tag);
	set_number(env, found, "loadedNs", information.load_time);
	set_number(env, found, "uid", information.created_by_uid);
	return succeed(env, found);
}

/* linksOf(programId) -> link ids; an attached program without a link was attached by netlink. */
static napi_value links_of(napi_env env, napi_callback_info info)
{
	napi_value given[1], list, number;
	uint32_t program, id = 0, count = 0;

	if (!arguments(env, info, 1, given) || !read_uint32(env, given[0], &program))
		return NULL;
	napi_create_array(env, &list);
	for (int i = 0; i < MAX_LINKS_SEEN; i++) {
		struct bpf_link_info information = {};
		__u32 size = sizeof(information);
		int fd, error = bpf_link_get_next_id(id, &id);

		if (error == -ENOENT)
			return succeed(env, list);
		if (error)
			return fail_errno(env, "linksOf", -error, CAP_BIT(CAP_SYS_ADMIN));
		fd = bpf_link_get_fd_by_id(id);
		if (fd == -ENOENT)
			continue; /* Gone meanwhile. */
		if (fd < 0)
			return fail_errno(env, "linksOf", -fd, CAP_BIT(CAP_SYS_ADMIN));
		error = bpf_obj_get_info_by_fd(fd, &information, &size);
		close(fd);
		if (error)
			return fail_errno(env, "linksOf", -error, NEEDS_NOTHING);
		if (information.prog_id != program)
			continue;
		napi_create_uint32(env, id, &number);
		napi_set_element(env, list, count++, number);
	}
	return fail_errno(env, "linksOf", E2BIG, NEEDS_NOTHING);
}

/* removeXdp(ifindex, "native" | "generic", programId): only if that program is attached there. */
static napi_value remove_xdp(napi_env env, napi_callback_info info)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, options);
	uint32_t ifindex, id;
	napi_value given[3];
	char mode[16];
	int error;

	if (!arguments(env, info, 3, given) || !read_uint32(env, given[0], &ifindex) ||
	    !read_string(env, given[1], mode, sizeof(mode)) || !read_uint32(env, given[2], &id))
		return NULL;
	options.old_prog_fd = bpf_prog_get_fd_by_id(id);
	if (options.old_prog_fd < 0)
		return fail_errno(env, "removeXdp", -options.old_prog_fd, CAP_BIT(CAP_SYS_ADMIN));
	error = bpf_xdp_detach(ifindex, mode[0] == 'n' ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE,
			       &options);
	close(options.old_prog_fd);
	if (error)
		return fail_errno(env, "removeXdp", -error, CAP_BIT(CAP_NET_ADMIN));
	return succeed(env, undefined(env));
}

/* breakLink(id): detaches a link that somebody else holds or has pinned. */
static napi_value break_link(napi_env env, napi_callback_info info)
{
	napi_value given[1];
	uint32_t id;
	int fd, error;

	if (!arguments(env, info, 1, given) || !read_uint32(env, given[0], &id))
		return NULL;
	fd = bpf_link_get_fd_by_id(id);
	if (fd < 0)
		return fail_errno(env, "breakLink", -fd, CAP_BIT(CAP_SYS_ADMIN));
	error = bpf_link_detach(fd);
	close(fd);
	if (error)
		return fail_errno(env, "breakLink", -error, CAP_BIT(CAP_NET_ADMIN));
	return succeed(env, undefined(env));
}

void register_inspect(napi_env env, napi_value exports)
{
	export_function(env, exports, "queryXdp", query_xdp);
	export_function(env, exports, "programInfo", program_info);
	export_function(env, exports, "linksOf", links_of);
	export_function(env, exports, "removeXdp", remove_xdp);
	export_function(env, exports, "breakLink", break_link);
}

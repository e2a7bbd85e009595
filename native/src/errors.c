// SPDX-License-Identifier: Apache-2.0
/*
 * Turns an errno into the value JavaScript gets: its name, its sentence, what the kernel said
 * besides, and which capabilities the operation takes that this process does not have.
 */
#define _GNU_SOURCE
#include "native.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	int number;
	const char *name;
} capability_names[] = {
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN" },
	{ CAP_NET_RAW, "CAP_NET_RAW" },
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" },
	{ CAP_PERFMON, "CAP_PERFMON" },
	{ CAP_BPF, "CAP_BPF" },
};

/* All ones when the kernel does not tell: then no capability is called missing. */
static uint64_t effective_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) != 0)
		return ~0ULL;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

static napi_value missing_capabilities(napi_env env, uint64_t needs)
{
	uint64_t missing = needs & ~effective_capabilities();
	napi_value list, name;
	uint32_t count = 0;

	napi_create_array(env, &list);
	for (size_t i = 0; i < sizeof(capability_names) / sizeof(capability_names[0]); i++) {
		if (!(missing & CAP_BIT(capability_names[i].number)))
			continue;
		napi_create_string_utf8(env, capability_names[i].name, NAPI_AUTO_LENGTH, &name);
		napi_set_element(env, list, count++, name);
	}
	return list;
}

napi_value succeed(napi_env env, napi_value value)
{
	napi_value result = new_object(env);

	set_bool(env, result, "ok", true);
	set(env, result, "value", value);
	return result;
}

napi_value fail(napi_env env, struct failure *failure)
{
	bool refused = failure->number == EPERM || failure->number == EACCES;
	napi_value result = new_object(env), error = new_object(env);
	/* strerrorname_np() is glibc's alone; musl (OpenWrt) has no such function. */
	char unnamed[16], message[128];
#ifdef __GLIBC__
	const char *name = strerrorname_np(failure->number);
#else
	const char *name = NULL;
#endif

	if (name == NULL) {
		snprintf(unnamed, sizeof(unnamed), "E%d", failure->number);
		/* The kernel's own ENOTSUPP, which leaks out of bpf(2), has no name in user space.
		 */
		name = failure->number == 524 ? "ENOTSUPP" : unnamed;
	}
	set_number(env, error, "errno", failure->number);
	set_string(env, error, "name", name);
	set_string(env, error, "operation", failure->operation);
	/* Knows errno as well as libbpf's own numbers, from 4000. */
	if (failure->number == 524 || libbpf_strerror(failure->number, message, sizeof(message)))
		snprintf(message, sizeof(message), "Operation not supported");
	set_string(env, error, "message", message);
	set_string(env, error, "log", failure->text ? failure->text : "");
	set(env, error, "missingCapabilities",
	    missing_capabilities(env, refused ? failure->needs : NEEDS_NOTHING));
	free(failure->text);
	failure->text = NULL;
	set_bool(env, result, "ok", false);
	set(env, result, "error", error);
	return result;
}

napi_value fail_errno(napi_env env, const char *operation, int number, uint64_t needs)
{
	struct failure failure = { .number = number, .operation = operation, .needs = needs };

	return fail(env, &failure);
}

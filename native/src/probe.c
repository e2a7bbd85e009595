// SPDX-License-Identifier: Apache-2.0
/* Asks the kernel what it can do, by trying, and reads names out of its BTF. */
#include "native.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>

#define NEEDS (CAP_BIT(CAP_BPF) | CAP_BIT(CAP_NET_ADMIN) | CAP_BIT(CAP_PERFMON))

static napi_value probed(napi_env env, int answer)
{
	napi_value supported;

	if (answer < 0)
		return fail_errno(env, "probe", -answer, NEEDS);
	napi_get_boolean(env, answer == 1, &supported);
	return succeed(env, supported);
}

static napi_value probe_program_type(napi_env env, napi_callback_info info)
{
	napi_value given[1];
	uint32_t type;

	if (!arguments(env, info, 1, given) || !read_uint32(env, given[0], &type))
		return NULL;
	capture_begin();
	type = libbpf_probe_bpf_prog_type(type, NULL);
	free(capture_end());
	return probed(env, (int)type);
}

static napi_value probe_map_type(napi_env env, napi_callback_info info)
{
	napi_value given[1];
	uint32_t type;

	if (!arguments(env, info, 1, given) || !read_uint32(env, given[0], &type))
		return NULL;
	capture_begin();
	type = libbpf_probe_bpf_map_type(type, NULL);
	free(capture_end());
	return probed(env, (int)type);
}

static napi_value probe_helper(napi_env env, napi_callback_info info)
{
	napi_value given[2];
	uint32_t type, helper;

	if (!arguments(env, info, 2, given) || !read_uint32(env, given[0], &type) ||
	    !read_uint32(env, given[1], &helper))
		return NULL;
	capture_begin();
	type = libbpf_probe_bpf_helper(type, helper, NULL);
	free(capture_end());
	return probed(env, (int)type);
}

/* enumNames(name) -> { VALUE_NAME: number } of an enum of the running kernel */
static napi_value enum_names(napi_env env, napi_callback_info info)
{
	napi_value given[1], names;
	const struct btf_enum *entry;
	const struct btf_type *type;
	struct btf *btf;
	char name[128];
	int id;

	if (!arguments(env, info, 1, given) || !read_string(env, given[0], name, sizeof(name)))
		return NULL;
	capture_begin();
	btf = btf__load_vmlinux_btf();
	id = btf == NULL ? -errno : btf__find_by_name_kind(btf, name, BTF_KIND_ENUM);
	free(capture_end());
	if (id < 0) {
		btf__free(btf);
		return fail_errno(env, "enumNames", -id, NEEDS_NOTHING);
	}
	names = new_object(env);
	type = btf__type_by_id(btf, id);
	entry = btf_enum(type);
	for (uint32_t i = 0; i < btf_vlen(type); i++)
		set_number(env, names, btf__name_by_offset(btf, entry[i].name_off), entry[i].val);
	btf__free(btf);
	return succeed(env, names);
}

void register_probe(napi_env env, napi_value exports)
{
	export_function(env, exports, "probeProgramType", probe_program_type);
	export_function(env, exports, "probeMapType", probe_map_type);
	export_function(env, exports, "probeHelper", probe_helper);
	export_function(env, exports, "enumNames", enum_names);
}

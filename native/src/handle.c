// SPDX-License-Identifier: Apache-2.0
/* Externals with type tags: a link handed in where an object belongs is an exception, not a crash.
 */
#include "native.h"

static const napi_type_tag tags[] = {
	[HANDLE_OBJECT] = { 0x6d6573686d656e64, 0x6f626a656374 },
	[HANDLE_LINK] = { 0x6d6573686d656e64, 0x6c696e6b },
	[HANDLE_POLL] = { 0x6d6573686d656e64, 0x706f6c6c },
};

napi_value new_handle(napi_env env, enum handle_kind kind, void *data,
		      void (*destroy)(napi_env env, void *data, void *hint))
{
	napi_value handle;

	if (napi_create_external(env, data, destroy, NULL, &handle) != napi_ok) {
		destroy(env, data, NULL);
		return NULL;
	}
	napi_type_tag_object(env, handle, &tags[kind]);
	return handle;
}

void *read_handle(napi_env env, napi_value value, enum handle_kind kind)
{
	bool matches = false;
	void *data = NULL;

	if (napi_check_object_type_tag(env, value, &tags[kind], &matches) == napi_ok && matches &&
	    napi_get_value_external(env, value, &data) == napi_ok)
		return data;
	/* The failed check of a value that is no object has thrown nothing. */
	throw_type(env, "expected a handle of another kind");
	return NULL;
}

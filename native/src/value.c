// SPDX-License-Identifier: Apache-2.0
/* Reads JavaScript arguments and builds plain answers; knows N-API's ceremony so others need not.
 */
#include "native.h"

#include <stdio.h>
#include <string.h>

napi_value throw_type(napi_env env, const char *message)
{
	napi_throw_type_error(env, "E_NATIVE_ARGUMENT", message);
	return NULL;
}

bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *out)
{
	size_t given = count;
	char message[64];

	if (napi_get_cb_info(env, info, &given, out, NULL, NULL) == napi_ok && given == count)
		return true;
	snprintf(message, sizeof(message), "expected %zu arguments, got %zu", count, given);
	throw_type(env, message);
	return false;
}

bool read_uint32(napi_env env, napi_value value, uint32_t *out)
{
	double number;

	if (napi_get_value_double(env, value, &number) == napi_ok && number >= 0 &&
	    number <= UINT32_MAX && number == (double)(uint32_t)number) {
		*out = (uint32_t)number;
		return true;
	}
	throw_type(env, "expected an unsigned 32-bit integer");
	return false;
}

bool read_bool(napi_env env, napi_value value, bool *out)
{
	if (napi_get_value_bool(env, value, out) == napi_ok)
		return true;
	throw_type(env, "expected a boolean");
	return false;
}

bool read_string(napi_env env, napi_value value, char *out, size_t size)
{
	size_t length;

	if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok)
		throw_type(env, "expected a string");
	else if (length >= size)
		throw_type(env, "the string is too long");
	else if (napi_get_value_string_utf8(env, value, out, size, &length) == napi_ok &&
		 strlen(out) == length)
		return true;
	else
		throw_type(env, "the string holds a zero character");
	return false;
}

bool read_bytes(napi_env env, napi_value value, uint8_t **data, size_t *length)
{
	napi_typedarray_type type;
	bool is_array = false;

	napi_is_typedarray(env, value, &is_array);
	if (is_array &&
	    napi_get_typedarray_info(env, value, &type, length, (void **)data, NULL, NULL) ==
		    napi_ok &&
	    type == napi_uint8_array)
		return true;
	throw_type(env, "expected a Uint8Array");
	return false;
}

napi_value new_object(napi_env env)
{
	napi_value object = NULL;

	napi_create_object(env, &object);
	return object;
}

napi_value new_uint8array(napi_env env, size_t length, void **data)
{
	napi_value buffer, array = NULL;

	if (napi_create_arraybuffer(env, length, data, &buffer) == napi_ok)
		napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &array);
	return array;
}

void set(napi_env env, napi_value object, const char *name, napi_value value)
{
	napi_set_named_property(env, object, name, value);
}

void set_number(napi_env env, napi_value object, const char *name, double value)
{
	napi_value number;

	if (napi_create_double(env, value, &number) == napi_ok)
		set(env, object, name, number);
}

void set_string(napi_env env, napi_value object, const char *name, const char *value)
{
	napi_value string;

	if (napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &string) == napi_ok)
		set(env, object, name, string);
}

void set_bool(napi_env env, napi_value object, const char *name, bool value)
{
	napi_value boolean;

	if (napi_get_boolean(env, value, &boolean) == napi_ok)
		set(env, object, name, boolean);
}

napi_value undefined(napi_env env)
{
	napi_value value = NULL;

	napi_get_undefined(env, &value);
	return value;
}

void export_function(napi_env env, napi_value exports, const char *name, napi_callback callback)
{
	napi_value function;

	if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function) == napi_ok)
		set(env, exports, name, function);
}

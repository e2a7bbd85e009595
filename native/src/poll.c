// SPDX-License-Identifier: Apache-2.0
/*
 * Puts a file descriptor on the event loop and calls JavaScript once per wake-up, with all that
 * waited. closePoll(handle) ends it; so do the handle's collection and the environment's end.
 */
#include "native.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

struct poll {
	uv_poll_t uv;
	napi_env env;
	napi_ref callback;
	napi_async_context context;
	napi_async_cleanup_hook_handle hook;
	struct poll_source *source; /* null once closed */
	bool collected;		    /* JavaScript holds no handle any more */
	bool closed;		    /* libuv is done with `uv` */
};

static void free_when_done(struct poll *poll)
{
	if (poll->collected && poll->closed)
		free(poll);
}

static void on_closed(uv_handle_t *handle)
{
	struct poll *poll = handle->data;

	if (poll->hook != NULL)
		napi_remove_async_cleanup_hook(poll->hook);
	poll->hook = NULL;
	poll->closed = true;
	free_when_done(poll);
}

static void close_poll_now(struct poll *poll)
{
	if (poll->source == NULL)
		return;
	uv_poll_stop(&poll->uv);
	poll->source->close(poll->source);
	poll->source = NULL;
	napi_delete_reference(poll->env, poll->callback);
	napi_async_destroy(poll->env, poll->context);
	uv_close((uv_handle_t *)&poll->uv, on_closed);
}

static void on_environment_end(napi_async_cleanup_hook_handle hook, void *data)
{
	(void)hook;
	close_poll_now(data);
}

static void destroy(napi_env env, void *data, void *hint)
{
	struct poll *poll = data;

	(void)env;
	(void)hint;
	poll->collected = true;
	close_poll_now(poll);
	free_when_done(poll);
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
	struct poll *poll = handle->data;
	napi_env env = poll->env;
	napi_value given[MAX_ARGUMENTS], callback, global, result, thrown;
	napi_handle_scope scope;
	bool pending = false;
	size_t count;

	(void)events;
	if (napi_open_handle_scope(env, &scope) != napi_ok)
		return;
	count = status == 0 && poll->source ? poll->source->ready(env, poll->source, given) : 0;
	if (count > 0 && napi_get_reference_value(env, poll->callback, &callback) == napi_ok &&
	    napi_get_global(env, &global) == napi_ok) {
		napi_make_callback(env, poll->context, global, callback, count, given, &result);
		/* A callback that throws is an uncaught exception, as it is for any event. */
		if (napi_is_exception_pending(env, &pending) == napi_ok && pending &&
		    napi_get_and_clear_last_exception(env, &thrown) == napi_ok)
			napi_fatal_exception(env, thrown);
	}
	napi_close_handle_scope(env, scope);
}

napi_value start_poll(napi_env env, const char *name, struct poll_source *source, int fd,
		      napi_value callback)
{
	struct poll *poll = calloc(1, sizeof(*poll));
	struct uv_loop_s *loop = NULL;
	napi_valuetype type = napi_undefined;
	napi_value label, handle;
	int error = ENOMEM;

	napi_typeof(env, callback, &type);
	if (type != napi_function || poll == NULL ||
	    napi_get_uv_event_loop(env, &loop) != napi_ok ||
	    (error = -uv_poll_init(loop, &poll->uv, fd)) != 0) {
		source->close(source);
		free(poll);
		return type == napi_function ? fail_errno(env, name, error, NEEDS_NOTHING)
					     : throw_type(env, "expected a function");
	}
	poll->uv.data = poll;
	poll->env = env;
	poll->source = source;
	napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &label);
	napi_async_init(env, NULL, label, &poll->context);
	napi_create_reference(env, callback, 1, &poll->callback);
	napi_add_async_cleanup_hook(env, on_environment_end, poll, &poll->hook);
	error = -uv_poll_start(&poll->uv, UV_READABLE, on_readable);
	if (error) {
		poll->collected = true;
		close_poll_now(poll);
		return fail_errno(env, name, error, NEEDS_NOTHING);
	}
	handle = new_handle(env, HANDLE_POLL, poll, destroy);
	return handle == NULL ? NULL : succeed(env, handle);
}

static napi_value close_poll(napi_env env, napi_callback_info info)
{
	napi_value given[1];
	struct poll *poll;

	if (!arguments(env, info, 1, given))
		return NULL;
	poll = read_handle(env, given[0], HANDLE_POLL);
	if (poll != NULL)
		close_poll_now(poll);
	return undefined(env);
}

void register_poll(napi_env env, napi_value exports)
{
	export_function(env, exports, "closePoll", close_poll);
}

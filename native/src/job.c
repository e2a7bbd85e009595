// SPDX-License-Identifier: Apache-2.0
/* Promises over libuv's thread pool: whatever may block (verifier, big dumps) runs here. */
#include "native.h"

static void execute(napi_env env, void *data)
{
	struct job *job = data;

	(void)env;
	job->run(job);
}

static void complete(napi_env env, napi_status status, void *data)
{
	struct job *job = data;
	napi_value value = NULL, error, message;

	if (status == napi_ok)
		value = job->failure.number ? fail(env, &job->failure) : job->finish(env, job);
	if (value != NULL) {
		napi_resolve_deferred(env, job->deferred, value);
	} else if (napi_create_string_utf8(env, "the work was cancelled", NAPI_AUTO_LENGTH,
					   &message) == napi_ok &&
		   napi_create_error(env, NULL, message, &error) == napi_ok) {
		napi_reject_deferred(env, job->deferred, error);
	}
	napi_delete_async_work(env, job->work);
	job->release(job);
}

napi_value start_job(napi_env env, const char *name, struct job *job)
{
	napi_value promise = NULL, label;

	if (napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &label) != napi_ok ||
	    napi_create_async_work(env, NULL, label, execute, complete, job, &job->work) !=
		    napi_ok) {
		job->release(job);
		napi_throw_error(env, NULL, "cannot create asynchronous work");
		return NULL;
	}
	if (napi_create_promise(env, &job->deferred, &promise) != napi_ok ||
	    napi_queue_async_work(env, job->work) != napi_ok) {
		napi_delete_async_work(env, job->work);
		job->release(job);
		napi_throw_error(env, NULL, "cannot queue asynchronous work");
		return NULL;
	}
	return promise;
}

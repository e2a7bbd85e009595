/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the addon share. The JavaScript side of every function is described once, in
 * src/ebpf/io/native-contract.ts. Arguments of the wrong shape throw (a bug of the caller);
 * whatever the kernel refuses is returned as a value, built by fail().
 */
#ifndef MESHMEND_NATIVE_H
#define MESHMEND_NATIVE_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_object;
struct bpf_program;
struct bpf_map;

/* --- errors.c ------------------------------------------------------------------------------- */

#define CAP_BIT(capability) (1ULL << (capability))
#define NEEDS_NOTHING 0ULL

struct failure {
	int number; /* errno, positive; 0: none */
	const char *operation;
	uint64_t needs; /* capabilities the operation takes, as CAP_BITs */
	char *text;	/* what libbpf, the verifier or netlink said, in full; owned, may be null */
};

/* { ok: true, value } */
napi_value succeed(napi_env env, napi_value value);
/* { ok: false, error }; frees failure->text. */
napi_value fail(napi_env env, struct failure *failure);
napi_value fail_errno(napi_env env, const char *operation, int number, uint64_t needs);

/* --- text.c: what libbpf prints, kept per thread ---------------------------------------------- */

void capture_begin(void);
/* What was printed since capture_begin(); owned by the caller, null when nothing was. */
char *capture_end(void);

/* --- value.c: reading arguments and building answers ----------------------------------------- */

#define MAX_ARGUMENTS 6

/* Fetches exactly `count` arguments; else throws and returns false. */
bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *out);
bool read_uint32(napi_env env, napi_value value, uint32_t *out);
bool read_bool(napi_env env, napi_value value, bool *out);
/* Throws when it does not fit. */
bool read_string(napi_env env, napi_value value, char *out, size_t size);
/* A Uint8Array's memory: valid until JavaScript runs again. */
bool read_bytes(napi_env env, napi_value value, uint8_t **data, size_t *length);
napi_value throw_type(napi_env env, const char *message);

napi_value new_object(napi_env env);
napi_value new_uint8array(napi_env env, size_t length, void **data);
void set(napi_env env, napi_value object, const char *name, napi_value value);
void set_number(napi_env env, napi_value object, const char *name, double value);
void set_string(napi_env env, napi_value object, const char *name, const char *value);
void set_bool(napi_env env, napi_value object, const char *name, bool value);
napi_value undefined(napi_env env);

/* --- handle.c: kernel resources in JavaScript's hands ------------------------------------------
 */

enum handle_kind { HANDLE_OBJECT, HANDLE_LINK, HANDLE_POLL };

/* An external value with a type tag; `destroy` runs when it is collected. */
napi_value new_handle(napi_env env, enum handle_kind kind, void *data,
		      void (*destroy)(napi_env env, void *data, void *hint));
/* Throws and returns null when the value is not such a handle. */
void *read_handle(napi_env env, napi_value value, enum handle_kind kind);

/* --- job.c: blocking work on libuv's threads ----------------------------------------------------
 */

struct job {
	/* On a pool thread; no N-API here. */
	void (*run)(struct job *job);
	/* Back on the JavaScript thread; returns what the promise resolves to. */
	napi_value (*finish)(napi_env env, struct job *job);
	/* Frees what the job owns, and the job; runs always, last. */
	void (*release)(struct job *job);
	struct failure failure;
	napi_async_work work;
	napi_deferred deferred;
};

/* Returns the promise. */
napi_value start_job(napi_env env, const char *name, struct job *job);

/* --- load.c --------------------------------------------------------------------------------- */

struct object {
	struct bpf_object *bpf; /* null once closed */
};

/* Null, with an exception or a failure in *answer, when there is no such object or program. */
struct bpf_program *read_program(napi_env env, napi_value object, napi_value name,
				 napi_value *answer);
struct bpf_map *read_map(napi_env env, napi_value object, napi_value name, napi_value *answer);

/* --- poll.c: a file descriptor on the event loop
 * -------------------------------------------------- */

struct poll_source {
	/* Reads what is there and builds the callback's arguments; returns how many, 0 for no call.
	 */
	size_t (*ready)(napi_env env, struct poll_source *source, napi_value *arguments);
	/* Closes and frees the source. */
	void (*close)(struct poll_source *source);
};

/* Takes over the source, also when it fails. Returns the result value with the handle. */
napi_value start_poll(napi_env env, const char *name, struct poll_source *source, int fd,
		      napi_value callback);

/* --- netlink.c -------------------------------------------------------------------------------- */

struct netlink_answer {
	uint8_t *data; /* netlink messages one after the other, aligned */
	size_t length;
	size_t room; /* allocated */
};

/* A socket for several requests in a row. */
struct netlink_session {
	int fd;
	uint8_t *buffer;
};

/* Returns an errno or 0; netlink_close() follows in either case. */
int netlink_open(struct netlink_session *session, int protocol);
void netlink_ask(struct netlink_session *session, uint8_t *message, size_t length,
		 struct netlink_answer *answer, struct failure *failure);
void netlink_close(struct netlink_session *session);

/*
 * Sends one request and gathers its replies until the kernel says it is done. `message` starts
 * with a nlmsghdr whose length, sequence and port are filled in here.
 */
void netlink_exchange(int protocol, uint8_t *message, size_t length, struct netlink_answer *answer,
		      struct failure *failure);
int netlink_open_groups(int protocol, const uint32_t *groups, size_t count);

/* --- one registration function per file ----------------------------------------------------------
 */

void export_function(napi_env env, napi_value exports, const char *name, napi_callback callback);
void register_link(napi_env env, napi_value exports);
void register_load(napi_env env, napi_value exports);
void register_attach(napi_env env, napi_value exports);
void register_inspect(napi_env env, napi_value exports);
void register_maps(napi_env env, napi_value exports);
void register_ring_buffer(napi_env env, napi_value exports);
void register_test_run(napi_env env, napi_value exports);
void register_probe(napi_env env, napi_value exports);
void register_netlink(napi_env env, napi_value exports);
void register_rtnl(napi_env env, napi_value exports);
void register_rtnl_counters(napi_env env, napi_value exports);
void register_genl_batadv(napi_env env, napi_value exports);
void register_poll(napi_env env, napi_value exports);
void register_sd_notify(napi_env env, napi_value exports);

#endif

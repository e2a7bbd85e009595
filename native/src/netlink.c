// SPDX-License-Identifier: Apache-2.0
/*
 * One netlink exchange, whatever the protocol: a request out, all replies back as they came, in
 * one buffer that JavaScript reads without a copy through strings. And subscriptions to multicast
 * groups.
 */
#define _GNU_SOURCE
#include "native.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define RECEIVE_BYTES (64 * 1024)
/* 1,000 originators with 10 neighbours each are about 1 MB. */
#define MAX_ANSWER_BYTES (64 * 1024 * 1024)
#define MAX_REQUEST_BYTES (64 * 1024)
#define MAX_GROUPS 16
#define TIMEOUT_S 5
/* A dump is begun anew when the table changed under it. */
#define DUMP_ATTEMPTS 4

static int open_socket(int protocol)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int one = 1, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0 &&
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	one = -errno;
	close(fd);
	return one;
}

/* The kernel's sentence (NLMSGERR_ATTR_MSG), when it gave one. */
static char *extended_message(const struct nlmsghdr *header)
{
	const uint8_t *at = (const uint8_t *)header + NLMSG_HDRLEN + sizeof(struct nlmsgerr);
	const uint8_t *end = (const uint8_t *)header + header->nlmsg_len;

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	/* Without NLM_F_CAPPED the request is quoted between the two. */
	if (!(header->nlmsg_flags & NLM_F_CAPPED)) {
		const struct nlmsgerr *error = NLMSG_DATA(header);

		at += NLMSG_ALIGN(error->msg.nlmsg_len) - NLMSG_HDRLEN;
	}
	while (at + NLA_HDRLEN <= end) {
		struct nlattr attribute;

		memcpy(&attribute, at, sizeof(attribute));
		if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > end - at)
			return NULL;
		if ((attribute.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG)
			return strndup((const char *)at + NLA_HDRLEN,
				       attribute.nla_len - NLA_HDRLEN);
		at += NLA_ALIGN(attribute.nla_len);
	}
	return NULL;
}

static int keep(struct netlink_answer *answer, const struct nlmsghdr *header)
{
	size_t aligned = NLMSG_ALIGN(header->nlmsg_len);
	size_t before = answer->length, room = answer->room ? answer->room : RECEIVE_BYTES;
	uint8_t *grown;

	if (before + aligned > MAX_ANSWER_BYTES)
		return EMSGSIZE;
	while (room < before + aligned)
		room *= 2;
	if (room > answer->room) {
		grown = realloc(answer->data, room);
		if (grown == NULL)
			return ENOMEM;
		answer->data = grown;
		answer->room = room;
	}
	memcpy(answer->data + before, header, header->nlmsg_len);
	memset(answer->data + before + header->nlmsg_len, 0, aligned - header->nlmsg_len);
	answer->length += aligned;
	return 0;
}

enum progress { MORE, DONE };

/* One message of the kernel's; *number becomes its errno. */
static enum progress take(const struct nlmsghdr *header, struct netlink_answer *answer,
			  struct failure *failure, bool *interrupted)
{
	int error;

	if (header->nlmsg_flags & NLM_F_DUMP_INTR)
		*interrupted = true;
	if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE) {
		if (header->nlmsg_len >= NLMSG_HDRLEN + sizeof(error)) {
			memcpy(&error, NLMSG_DATA(header), sizeof(error));
			failure->number = error < 0 ? -error : 0;
		}
		if (header->nlmsg_type == NLMSG_ERROR && failure->number)
			failure->text = extended_message(header);
		return DONE;
	}
	failure->number = keep(answer, header);
	return failure->number ? DONE : MORE;
}

static enum progress receive(int fd, uint8_t *buffer, uint32_t sequence,
			     struct netlink_answer *answer, struct failure *failure,
			     bool *interrupted)
{
	struct sockaddr_nl from = {};
	socklen_t from_length = sizeof(from);
	struct nlmsghdr *header = (struct nlmsghdr *)buffer;
	ssize_t got = recvfrom(fd, buffer, RECEIVE_BYTES, MSG_TRUNC, (struct sockaddr *)&from,
			       &from_length);
	int rest = (int)got;

	if (got < 0) {
		failure->number = errno == EAGAIN ? ETIMEDOUT : errno;
		return errno == EINTR ? MORE : DONE;
	}
	if (got > RECEIVE_BYTES) {
		failure->number = EMSGSIZE;
		return DONE;
	}
	/* Anybody may send to a netlink port; only the kernel is port 0. */
	if (from.nl_pid != 0)
		return MORE;
	for (; NLMSG_OK(header, (unsigned int)rest); header = NLMSG_NEXT(header, rest))
		if (header->nlmsg_seq == sequence &&
		    take(header, answer, failure, interrupted) == DONE)
			return DONE;
	return MORE;
}

void netlink_ask(struct netlink_session *session, uint8_t *message, size_t length,
		 struct netlink_answer *answer, struct failure *failure)
{
	/* Replies to an earlier request that was given up must not pass for replies to this one. */
	static _Atomic uint32_t last_sequence;
	struct nlmsghdr *header = (struct nlmsghdr *)message;
	bool dump = (header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;

	header->nlmsg_len = length;
	header->nlmsg_flags |= NLM_F_REQUEST | (dump ? 0 : NLM_F_ACK);
	header->nlmsg_pid = 0;
	for (int attempt = 1; attempt <= DUMP_ATTEMPTS; attempt++) {
		bool interrupted = false;

		answer->length = 0;
		failure->number = 0;
		header->nlmsg_seq = ++last_sequence;
		if (send(session->fd, message, length, 0) < 0) {
			failure->number = errno;
			return;
		}
		while (receive(session->fd, session->buffer, header->nlmsg_seq, answer, failure,
			       &interrupted) == MORE)
			failure->number = 0;
		if (failure->number || !interrupted)
			return;
		failure->number = EINTR;
	}
}

int netlink_open(struct netlink_session *session, int protocol)
{
	session->buffer = malloc(RECEIVE_BYTES);
	session->fd = session->buffer == NULL ? -ENOMEM : open_socket(protocol);
	return session->fd < 0 ? -session->fd : 0;
}

void netlink_close(struct netlink_session *session)
{
	if (session->fd >= 0)
		close(session->fd);
	free(session->buffer);
}

void netlink_exchange(int protocol, uint8_t *message, size_t length, struct netlink_answer *answer,
		      struct failure *failure)
{
	struct netlink_session session;

	failure->number = netlink_open(&session, protocol);
	if (failure->number == 0)
		netlink_ask(&session, message, length, answer, failure);
	netlink_close(&session);
}

struct netlink_job {
	struct job job;
	int protocol;
	uint8_t *message;
	size_t length;
	struct netlink_answer answer;
};

static void run(struct job *base)
{
	struct netlink_job *job = (struct netlink_job *)base;

	netlink_exchange(job->protocol, job->message, job->length, &job->answer, &job->job.failure);
}

static napi_value finish(napi_env env, struct job *base)
{
	struct netlink_job *job = (struct netlink_job *)base;
	napi_value value;
	void *data;

	value = new_uint8array(env, job->answer.length, &data);
	if (value == NULL)
		return NULL;
	if (job->answer.length > 0)
		memcpy(data, job->answer.data, job->answer.length);
	return succeed(env, value);
}

static void release(struct job *base)
{
	struct netlink_job *job = (struct netlink_job *)base;

	free(job->message);
	free(job->answer.data);
	free(job);
}

/* netlinkRequest(protocol, message) -> replies */
static napi_value netlink_request(napi_env env, napi_callback_info info)
{
	struct netlink_job *job;
	napi_value given[2];
	uint32_t protocol;
	uint8_t *message;
	size_t length;

	if (!arguments(env, info, 2, given) || !read_uint32(env, given[0], &protocol) ||
	    !read_bytes(env, given[1], &message, &length))
		return NULL;
	if (length < NLMSG_HDRLEN || length > MAX_REQUEST_BYTES)
		return throw_type(env, "expected a netlink message of at most 64 KiB");
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return fail_errno(env, "netlinkRequest", ENOMEM, NEEDS_NOTHING);
	job->job = (struct job) { .run = run, .finish = finish, .release = release };
	job->job.failure =
		(struct failure) { .operation = "netlinkRequest", .needs = CAP_BIT(CAP_NET_ADMIN) };
	job->protocol = protocol;
	job->length = length;
	job->message = malloc(length);
	if (job->message == NULL) {
		release(&job->job);
		return fail_errno(env, "netlinkRequest", ENOMEM, NEEDS_NOTHING);
	}
	memcpy(job->message, message, length);
	return start_job(env, "netlinkRequest", &job->job);
}

int netlink_open_groups(int protocol, const uint32_t *groups, size_t count)
{
	int error = 0, bytes = 1024 * 1024, fd = open_socket(protocol);

	if (fd < 0)
		return fd;
	/* More than the default, so that a burst of events is not an overrun. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	for (size_t i = 0; error == 0 && i < count; i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) < 0)
			error = -errno;
	if (error == 0)
		return fd;
	close(fd);
	return error;
}

struct subscription {
	struct poll_source source;
	int fd;
	uint8_t buffer[RECEIVE_BYTES];
};

/* One batch a turn: what does not fit waits in the socket; what the socket lost is told. */
static size_t ready(napi_env env, struct poll_source *source, napi_value *arguments)
{
	struct subscription *subscription = (struct subscription *)source;
	uint32_t used = 0;
	bool overrun = false;
	void *data;

	while (RECEIVE_BYTES - used >= RECEIVE_BYTES / 2) {
		struct sockaddr_nl from = {};
		socklen_t from_length = sizeof(from);
		ssize_t got = recvfrom(subscription->fd, subscription->buffer + used,
				       RECEIVE_BYTES - used, MSG_DONTWAIT | MSG_TRUNC,
				       (struct sockaddr *)&from, &from_length);

		if (got < 0 && errno == ENOBUFS)
			overrun = true;
		else if (got > (ssize_t)(RECEIVE_BYTES - used))
			overrun = true;
		else if (got > 0 && from.nl_pid == 0)
			used += NLMSG_ALIGN(got);
		else if (got < 0 && errno != EINTR)
			break;
	}
	if (used == 0 && !overrun)
		return 0;
	arguments[0] = new_uint8array(env, used, &data);
	if (arguments[0] == NULL)
		return 0;
	if (used > 0)
		memcpy(data, subscription->buffer, used);
	napi_get_boolean(env, overrun, &arguments[1]);
	return 2;
}

static void close_subscription(struct poll_source *source)
{
	struct subscription *subscription = (struct subscription *)source;

	close(subscription->fd);
	free(subscription);
}

/* netlinkSubscribe(protocol, groups, callback(messages, overrun)) */
static napi_value netlink_subscribe(napi_env env, napi_callback_info info)
{
	struct subscription *subscription;
	uint32_t protocol, count, groups[MAX_GROUPS];
	napi_value given[3], element;
	int fd;

	if (!arguments(env, info, 3, given) || !read_uint32(env, given[0], &protocol))
		return NULL;
	if (napi_get_array_length(env, given[1], &count) != napi_ok || count > MAX_GROUPS)
		return throw_type(env, "expected an array of at most 16 groups");
	for (uint32_t i = 0; i < count; i++)
		if (napi_get_element(env, given[1], i, &element) != napi_ok ||
		    !read_uint32(env, element, &groups[i]))
			return NULL;
	subscription = calloc(1, sizeof(*subscription));
	fd = subscription == NULL ? -ENOMEM : netlink_open_groups((int)protocol, groups, count);
	if (fd < 0) {
		free(subscription);
		return fail_errno(env, "netlinkSubscribe", -fd, CAP_BIT(CAP_NET_ADMIN));
	}
	subscription->fd = fd;
	subscription->source = (struct poll_source) { .ready = ready, .close = close_subscription };
	return start_poll(env, "netlinkSubscribe", &subscription->source, fd, given[2]);
}

void register_netlink(napi_env env, napi_value exports)
{
	export_function(env, exports, "netlinkRequest", netlink_request);
	export_function(env, exports, "netlinkSubscribe", netlink_subscribe);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * batadvRequest(command, dump, attributes): one request to batman-adv's generic netlink family and
 * its replies, each as its attributes alone. What the attributes mean is JavaScript's business.
 */
#include "native.h"

#include <errno.h>
#include <linux/batman_adv.h>
#include <linux/capability.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ATTRIBUTE_BYTES 4096
#define FAMILY_VERSION 1

struct request {
	struct nlmsghdr header;
	struct genlmsghdr generic;
	uint8_t attributes[MAX_ATTRIBUTE_BYTES];
};

struct batadv_job {
	struct job job;
	struct request request;
	size_t length; /* of the attributes */
	struct netlink_answer answer;
};

/* The first such attribute of the first reply; null when there is none. */
static const uint8_t *find_attribute(const struct netlink_answer *answer, uint16_t wanted,
				     size_t bytes)
{
	size_t at = NLMSG_HDRLEN + GENL_HDRLEN;
	struct nlattr attribute;

	while (at + NLA_HDRLEN <= answer->length) {
		memcpy(&attribute, answer->data + at, sizeof(attribute));
		if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > answer->length - at)
			return NULL;
		if ((attribute.nla_type & NLA_TYPE_MASK) == wanted &&
		    attribute.nla_len >= NLA_HDRLEN + bytes)
			return answer->data + at + NLA_HDRLEN;
		at += NLA_ALIGN(attribute.nla_len);
	}
	return NULL;
}

/*
 * Asked every time: a module that was loaded anew has another number, and the old one may be
 * another family's by now, which would get our commands.
 */
static uint16_t find_family(struct netlink_session *session, struct failure *failure)
{
	struct {
		struct nlmsghdr header;
		struct genlmsghdr generic;
		struct nlattr attribute;
		char name[NLA_ALIGN(sizeof(BATADV_NL_NAME))];
	} request = {
		.header.nlmsg_type = GENL_ID_CTRL,
		.generic = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
		.attribute = { .nla_len = NLA_HDRLEN + sizeof(BATADV_NL_NAME),
			       .nla_type = CTRL_ATTR_FAMILY_NAME },
		.name = BATADV_NL_NAME,
	};
	struct netlink_answer answer = {};
	const uint8_t *found;
	uint16_t family = 0;

	netlink_ask(session, (uint8_t *)&request, sizeof(request), &answer, failure);
	found = failure->number ? NULL
				: find_attribute(&answer, CTRL_ATTR_FAMILY_ID, sizeof(family));
	if (found != NULL)
		memcpy(&family, found, sizeof(family));
	else if (failure->number == 0)
		failure->number = EPROTO;
	free(answer.data);
	return family;
}

static void ask(struct batadv_job *job, struct netlink_session *session)
{
	uint16_t family;

	job->job.failure.operation = "batadvFamily";
	family = find_family(session, &job->job.failure);
	if (family == 0)
		return;
	job->job.failure.operation = "batadvRequest";
	job->request.header.nlmsg_type = family;
	netlink_ask(session, (uint8_t *)&job->request,
		    offsetof(struct request, attributes) + job->length, &job->answer,
		    &job->job.failure);
}

/*
 * Rewrites the answer in place, as native-contract.ts describes it: four bytes replace two headers,
 * so each row moves to the front.
 */
static void strip_headers(struct netlink_answer *answer)
{
	const size_t headers = NLMSG_HDRLEN + GENL_HDRLEN;
	size_t at = 0, used = 0;

	while (at + headers <= answer->length) {
		struct nlmsghdr header;
		uint32_t length;

		memcpy(&header, answer->data + at, sizeof(header));
		if (header.nlmsg_len < headers || header.nlmsg_len > answer->length - at)
			break;
		length = header.nlmsg_len - headers;
		memcpy(answer->data + used, &length, sizeof(length));
		memmove(answer->data + used + sizeof(length), answer->data + at + headers,
			NLA_ALIGN(length));
		used += sizeof(length) + NLA_ALIGN(length);
		at += NLMSG_ALIGN(header.nlmsg_len);
	}
	answer->length = used;
}

static void run(struct job *base)
{
	struct batadv_job *job = (struct batadv_job *)base;
	struct netlink_session session;

	job->job.failure.operation = "batadvRequest";
	job->job.failure.number = netlink_open(&session, NETLINK_GENERIC);
	if (job->job.failure.number == 0)
		ask(job, &session);
	netlink_close(&session);
	if (job->job.failure.number == 0)
		strip_headers(&job->answer);
}

static napi_value finish(napi_env env, struct job *base)
{
	struct batadv_job *job = (struct batadv_job *)base;
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
	free(((struct batadv_job *)base)->answer.data);
	free(base);
}

static napi_value batadv_request(napi_env env, napi_callback_info info)
{
	struct batadv_job *job;
	napi_value given[3];
	uint8_t *attributes;
	uint32_t command;
	size_t length;
	bool dump;

	if (!arguments(env, info, 3, given) || !read_uint32(env, given[0], &command) ||
	    !read_bool(env, given[1], &dump) || !read_bytes(env, given[2], &attributes, &length))
		return NULL;
	if (command > UINT8_MAX || length > MAX_ATTRIBUTE_BYTES)
		return throw_type(env, "expected a command and at most 4 KiB of attributes");
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return fail_errno(env, "batadvRequest", ENOMEM, NEEDS_NOTHING);
	job->job = (struct job) { .run = run, .finish = finish, .release = release };
	job->job.failure.needs = CAP_BIT(CAP_NET_ADMIN);
	job->request.header.nlmsg_flags = dump ? NLM_F_DUMP : 0;
	job->request.generic.cmd = command;
	job->request.generic.version = FAMILY_VERSION;
	job->length = length;
	memcpy(job->request.attributes, attributes, length);
	return start_job(env, "batadvRequest", &job->job);
}

void register_genl_batadv(napi_env env, napi_value exports)
{
	export_function(env, exports, "batadvRequest", batadv_request);
}

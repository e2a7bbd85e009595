// SPDX-License-Identifier: Apache-2.0
/*
 * The counters of every link in one dump (RTM_GETSTATS), as plain numbers. A dump of the links
 * themselves carries the same among 1.5 KB of settings each, and takes ten times as long.
 */
#include "native.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* As src/ebpf/io/native-contract.ts describes a row. */
#define COLUMNS 9
/* Of the statistics, up to the last one we read. */
#define LEAST_BYTES offsetof(struct rtnl_link_stats64, tx_aborted_errors)

struct counters_job {
	struct job job;
	struct {
		struct nlmsghdr header;
		struct if_stats_msg body;
	} message;
	struct netlink_answer answer;
	double *rows;
	size_t count;
};

static bool read_row(const struct nlmsghdr *header, double *row)
{
	const struct if_stats_msg *message = NLMSG_DATA(header);
	const uint8_t *at = (const uint8_t *)(message + 1);
	struct rtnl_link_stats64 seen = {};
	struct nlattr attribute;

	if (header->nlmsg_type != RTM_NEWSTATS ||
	    header->nlmsg_len < NLMSG_LENGTH(sizeof(*message)) + NLA_HDRLEN)
		return false;
	memcpy(&attribute, at, sizeof(attribute));
	/* No kernel sends less; and so a row is never larger than its message. */
	if ((attribute.nla_type & NLA_TYPE_MASK) != IFLA_STATS_LINK_64 ||
	    attribute.nla_len < NLA_HDRLEN + LEAST_BYTES ||
	    attribute.nla_len > header->nlmsg_len - NLMSG_LENGTH(sizeof(*message)))
		return false;
	memcpy(&seen, at + NLA_HDRLEN, LEAST_BYTES);
	row[0] = message->ifindex;
	row[1] = seen.rx_packets;
	row[2] = seen.tx_packets;
	row[3] = seen.rx_bytes;
	row[4] = seen.tx_bytes;
	row[5] = seen.rx_errors;
	row[6] = seen.tx_errors;
	/* As /proc/net/dev adds them up. */
	row[7] = seen.rx_dropped + seen.rx_missed_errors;
	row[8] = seen.tx_dropped;
	return true;
}

static void run(struct job *base)
{
	struct counters_job *job = (struct counters_job *)base;
	const struct nlmsghdr *header;
	uint32_t rest;

	netlink_exchange(NETLINK_ROUTE, (uint8_t *)&job->message, sizeof(job->message),
			 &job->answer, &job->job.failure);
	if (job->job.failure.number)
		return;
	job->rows = malloc(job->answer.length + 1);
	if (job->rows == NULL) {
		job->job.failure.number = ENOMEM;
		return;
	}
	header = (const struct nlmsghdr *)job->answer.data;
	rest = (uint32_t)job->answer.length;
	for (; rest >= NLMSG_HDRLEN && NLMSG_OK(header, rest); header = NLMSG_NEXT(header, rest))
		if (read_row(header, job->rows + job->count * COLUMNS))
			job->count++;
}

static napi_value finish(napi_env env, struct job *base)
{
	struct counters_job *job = (struct counters_job *)base;
	size_t numbers = job->count * COLUMNS;
	napi_value buffer, array;
	void *data;

	if (napi_create_arraybuffer(env, numbers * sizeof(double), &data, &buffer) != napi_ok ||
	    napi_create_typedarray(env, napi_float64_array, numbers, buffer, 0, &array) != napi_ok)
		return NULL;
	if (numbers > 0)
		memcpy(data, job->rows, numbers * sizeof(double));
	return succeed(env, array);
}

static void release(struct job *base)
{
	struct counters_job *job = (struct counters_job *)base;

	free(job->answer.data);
	free(job->rows);
	free(job);
}

/* rtnlCounters() -> Float64Array */
static napi_value rtnl_counters(napi_env env, napi_callback_info info)
{
	struct counters_job *job;

	if (!arguments(env, info, 0, NULL))
		return NULL;
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return fail_errno(env, "rtnlCounters", ENOMEM, NEEDS_NOTHING);
	job->job = (struct job) { .run = run, .finish = finish, .release = release };
	job->job.failure = (struct failure) { .operation = "rtnlCounters", .needs = NEEDS_NOTHING };
	job->message.header.nlmsg_type = RTM_GETSTATS;
	job->message.header.nlmsg_flags = NLM_F_DUMP;
	job->message.body.filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
	return start_job(env, "rtnlCounters", &job->job);
}

void register_rtnl_counters(napi_env env, napi_value exports)
{
	export_function(env, exports, "rtnlCounters", rtnl_counters);
}

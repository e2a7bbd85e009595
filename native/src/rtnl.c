// SPDX-License-Identifier: Apache-2.0
/*
 * rtnetlink for links and addresses: dumps, the decoding of dumps and of events, and the three
 * settings a repair needs. Two features read links, so the format is known here, once.
 */
#include "native.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct attribute {
	const uint8_t *data;
	uint32_t length;
	uint16_t type;
};

/* Steps through attributes; false at the end or at the first malformed one. */
static bool next_attribute(const uint8_t **at, const uint8_t *end, struct attribute *out)
{
	struct nlattr header;

	if (end - *at < NLA_HDRLEN)
		return false;
	memcpy(&header, *at, sizeof(header));
	if (header.nla_len < NLA_HDRLEN || header.nla_len > end - *at)
		return false;
	out->type = header.nla_type & NLA_TYPE_MASK;
	out->data = *at + NLA_HDRLEN;
	out->length = header.nla_len - NLA_HDRLEN;
	*at += NLA_ALIGN(header.nla_len) < end - *at ? NLA_ALIGN(header.nla_len) : end - *at;
	return true;
}

static uint32_t as_uint32(const struct attribute *attribute)
{
	uint32_t value = 0;

	memcpy(&value, attribute->data, attribute->length < 4 ? attribute->length : 4);
	return value;
}

static void set_text(napi_env env, napi_value object, const char *name,
		     const struct attribute *attribute)
{
	napi_value string;
	size_t length = strnlen((const char *)attribute->data, attribute->length);

	if (napi_create_string_utf8(env, (const char *)attribute->data, length, &string) == napi_ok)
		set(env, object, name, string);
}

static void set_mac(napi_env env, napi_value object, const struct attribute *attribute)
{
	const uint8_t *mac = attribute->data;
	char text[18];

	if (attribute->length != 6)
		return;
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	set_string(env, object, "address", text);
}

static void set_statistics(napi_env env, napi_value link, const struct attribute *attribute)
{
	struct rtnl_link_stats64 counters = {};

	memcpy(&counters, attribute->data,
	       attribute->length < sizeof(counters) ? attribute->length : sizeof(counters));
	set_number(env, link, "rxPackets", counters.rx_packets);
	set_number(env, link, "txPackets", counters.tx_packets);
	set_number(env, link, "rxBytes", counters.rx_bytes);
	set_number(env, link, "txBytes", counters.tx_bytes);
	set_number(env, link, "rxErrors", counters.rx_errors);
	set_number(env, link, "txErrors", counters.tx_errors);
	set_number(env, link, "rxDrops", counters.rx_dropped);
	set_number(env, link, "txDrops", counters.tx_dropped);
}

/* VXLAN alone tells the device below here, and not in IFLA_LINK. */
static void set_vxlan_lower(napi_env env, napi_value link, const struct attribute *data)
{
	const uint8_t *at = data->data;
	struct attribute inner;

	while (next_attribute(&at, data->data + data->length, &inner))
		if (inner.type == IFLA_VXLAN_LINK)
			set_number(env, link, "lowerIndex", as_uint32(&inner));
}

static void set_kind(napi_env env, napi_value link, const struct attribute *linkinfo)
{
	const uint8_t *at = linkinfo->data;
	bool is_vxlan = false;
	struct attribute inner;

	/* The kernel tells the kind before the data. */
	while (next_attribute(&at, linkinfo->data + linkinfo->length, &inner)) {
		if (inner.type == IFLA_INFO_KIND) {
			set_text(env, link, "kind", &inner);
			is_vxlan = inner.length >= 5 && memcmp(inner.data, "vxlan", 5) == 0;
		} else if (inner.type == IFLA_INFO_DATA && is_vxlan) {
			set_vxlan_lower(env, link, &inner);
		}
	}
}

static void link_attribute(napi_env env, napi_value link, const struct attribute *attribute)
{
	switch (attribute->type) {
	case IFLA_IFNAME:
		return set_text(env, link, "name", attribute);
	case IFLA_ADDRESS:
		return set_mac(env, link, attribute);
	case IFLA_MTU:
		return set_number(env, link, "mtuBytes", as_uint32(attribute));
	/* Of a veth and its like this is the far end, and no device below. */
	case IFLA_LINK:
		return set_number(env, link, "lowerIndex", as_uint32(attribute));
	case IFLA_MASTER:
		return set_number(env, link, "masterIndex", as_uint32(attribute));
	case IFLA_OPERSTATE:
		return set_number(env, link, "operState", as_uint32(attribute));
	case IFLA_CARRIER_CHANGES:
		return set_number(env, link, "carrierChanges", as_uint32(attribute));
	case IFLA_STATS64:
		return set_statistics(env, link, attribute);
	case IFLA_LINKINFO:
		return set_kind(env, link, attribute);
	default:
		return;
	}
}

static napi_value decode_link(napi_env env, const struct nlmsghdr *header)
{
	const uint8_t *end = (const uint8_t *)header + header->nlmsg_len;
	const struct ifinfomsg *message = NLMSG_DATA(header);
	const uint8_t *at = (const uint8_t *)(message + 1);
	struct attribute attribute;
	bool foreign = false;
	napi_value link;

	/* AF_BRIDGE and others use the same type for their own tables. */
	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*message)) || message->ifi_family != AF_UNSPEC)
		return NULL;
	link = new_object(env);
	set_bool(env, link, "removed", header->nlmsg_type == RTM_DELLINK);
	set_number(env, link, "index", message->ifi_index);
	set_number(env, link, "flags", message->ifi_flags);
	set_string(env, link, "address", "");
	set_string(env, link, "kind", "");
	set_number(env, link, "masterIndex", 0);
	set_number(env, link, "lowerIndex", 0);
	while (next_attribute(&at, end, &attribute)) {
		/* Wireless extensions tell their events as links that have nothing but a name. */
		if (attribute.type == IFLA_WIRELESS)
			return NULL;
		if (attribute.type == IFLA_LINK_NETNSID)
			foreign = true;
		link_attribute(env, link, &attribute);
	}
	/* An index of another namespace means nothing here. */
	if (foreign)
		set_number(env, link, "lowerIndex", 0);
	return link;
}

static napi_value decode_address(napi_env env, const struct nlmsghdr *header)
{
	const uint8_t *end = (const uint8_t *)header + header->nlmsg_len;
	const struct ifaddrmsg *message = NLMSG_DATA(header);
	const uint8_t *at = (const uint8_t *)(message + 1);
	struct attribute attribute, local = {};
	napi_value address, bytes;
	void *data;

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*message)))
		return NULL;
	/* IFA_LOCAL is the own address; IPv6 has it only on point-to-point links. */
	while (next_attribute(&at, end, &attribute))
		if (attribute.type == IFA_LOCAL ||
		    (attribute.type == IFA_ADDRESS && local.data == NULL))
			local = attribute;
	if (local.data == NULL || (local.length != 4 && local.length != 16))
		return NULL;
	bytes = new_uint8array(env, local.length, &data);
	if (bytes == NULL)
		return NULL;
	memcpy(data, local.data, local.length);
	address = new_object(env);
	set_bool(env, address, "removed", header->nlmsg_type == RTM_DELADDR);
	set_number(env, address, "index", message->ifa_index);
	set_number(env, address, "prefixBits", message->ifa_prefixlen);
	set_number(env, address, "scope", message->ifa_scope);
	set(env, address, "bytes", bytes);
	return address;
}

static napi_value decode(napi_env env, const uint8_t *data, size_t length)
{
	napi_value found = new_object(env), links, addresses, entry;
	const struct nlmsghdr *header = (const struct nlmsghdr *)data;
	uint32_t link_count = 0, address_count = 0;
	uint32_t rest = (uint32_t)length;

	napi_create_array(env, &links);
	napi_create_array(env, &addresses);
	for (; rest >= NLMSG_HDRLEN && NLMSG_OK(header, rest); header = NLMSG_NEXT(header, rest)) {
		if (header->nlmsg_type == RTM_NEWLINK || header->nlmsg_type == RTM_DELLINK) {
			entry = decode_link(env, header);
			if (entry != NULL)
				napi_set_element(env, links, link_count++, entry);
		} else if (header->nlmsg_type == RTM_NEWADDR || header->nlmsg_type == RTM_DELADDR) {
			entry = decode_address(env, header);
			if (entry != NULL)
				napi_set_element(env, addresses, address_count++, entry);
		}
	}
	set(env, found, "links", links);
	set(env, found, "addresses", addresses);
	return found;
}

struct rtnl_job {
	struct job job;
	struct {
		struct nlmsghdr header;
		union {
			struct ifinfomsg link;
			struct ifaddrmsg address;
		} body;
		struct nlattr attribute;
		uint32_t value;
	} message;
	size_t length;
	struct netlink_answer answer;
};

static void run(struct job *base)
{
	struct rtnl_job *job = (struct rtnl_job *)base;

	netlink_exchange(NETLINK_ROUTE, (uint8_t *)&job->message, job->length, &job->answer,
			 &job->job.failure);
}

static napi_value finish(napi_env env, struct job *base)
{
	struct rtnl_job *job = (struct rtnl_job *)base;

	return succeed(env, decode(env, job->answer.data, job->answer.length));
}

static void release(struct job *base)
{
	free(((struct rtnl_job *)base)->answer.data);
	free(base);
}

static struct rtnl_job *new_job(const char *operation, uint64_t needs)
{
	struct rtnl_job *job = calloc(1, sizeof(*job));

	if (job != NULL) {
		job->job = (struct job) { .run = run, .finish = finish, .release = release };
		job->job.failure = (struct failure) { .operation = operation, .needs = needs };
	}
	return job;
}

/* rtnlDump("links" | "addresses") -> { links, addresses } */
static napi_value rtnl_dump(napi_env env, napi_callback_info info)
{
	struct rtnl_job *job;
	napi_value given[1];
	char what[16];
	bool links;

	if (!arguments(env, info, 1, given) || !read_string(env, given[0], what, sizeof(what)))
		return NULL;
	links = strcmp(what, "links") == 0;
	if (!links && strcmp(what, "addresses") != 0)
		return throw_type(env, "expected links or addresses");
	job = new_job("rtnlDump", NEEDS_NOTHING);
	if (job == NULL)
		return fail_errno(env, "rtnlDump", ENOMEM, NEEDS_NOTHING);
	job->message.header.nlmsg_type = links ? RTM_GETLINK : RTM_GETADDR;
	job->message.header.nlmsg_flags = NLM_F_DUMP;
	job->length = NLMSG_LENGTH(links ? sizeof(struct ifinfomsg) : sizeof(struct ifaddrmsg));
	return start_job(env, "rtnlDump", &job->job);
}

/* rtnlDecode(messages) -> { links, addresses } */
static napi_value rtnl_decode(napi_env env, napi_callback_info info)
{
	napi_value given[1];
	uint8_t *data;
	size_t length;

	if (!arguments(env, info, 1, given) || !read_bytes(env, given[0], &data, &length))
		return NULL;
	if (length > UINT32_MAX)
		return throw_type(env, "too many messages");
	return decode(env, data, length);
}

/* rtnlSetLink(ifindex, "up" | "mtu" | "master", value) */
static napi_value rtnl_set_link(napi_env env, napi_callback_info info)
{
	uint32_t ifindex, value;
	struct rtnl_job *job;
	napi_value given[3];
	char what[16];

	if (!arguments(env, info, 3, given) || !read_uint32(env, given[0], &ifindex) ||
	    !read_string(env, given[1], what, sizeof(what)) || !read_uint32(env, given[2], &value))
		return NULL;
	if (strcmp(what, "up") != 0 && strcmp(what, "mtu") != 0 && strcmp(what, "master") != 0)
		return throw_type(env, "expected up, mtu or master");
	job = new_job("rtnlSetLink", CAP_BIT(CAP_NET_ADMIN));
	if (job == NULL)
		return fail_errno(env, "rtnlSetLink", ENOMEM, NEEDS_NOTHING);
	/* RTM_SETLINK, since RTM_NEWLINK would make a link that has gone. */
	job->message.header.nlmsg_type = RTM_SETLINK;
	job->message.body.link.ifi_index = (int)ifindex;
	job->length = NLMSG_LENGTH(sizeof(struct ifinfomsg));
	if (what[0] == 'u') {
		job->message.body.link.ifi_change = IFF_UP;
		job->message.body.link.ifi_flags = value ? IFF_UP : 0;
	} else {
		job->message.attribute.nla_len = NLA_HDRLEN + sizeof(value);
		job->message.attribute.nla_type = what[1] == 't' ? IFLA_MTU : IFLA_MASTER;
		job->message.value = value;
		job->length += NLA_HDRLEN + sizeof(value);
	}
	return start_job(env, "rtnlSetLink", &job->job);
}

void register_rtnl(napi_env env, napi_value exports)
{
	export_function(env, exports, "rtnlDump", rtnl_dump);
	export_function(env, exports, "rtnlDecode", rtnl_decode);
	export_function(env, exports, "rtnlSetLink", rtnl_set_link);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route: routes by rtnetlink. Called by veth.c and facts.c.
 */
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "net/route.h"

/*
 * A router with a full table has no room for a private subnet that we could look for in it
 * anyway.
 */
#define ROUTES_MAX 65536

void route_put_default(struct nl_batch *b, int index, const struct ip *gateway)
{
	struct rtmsg head = {
		.rtm_family = gateway->family,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};

	nl_begin(b, "set default route", RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &head,
		 sizeof(head));
	nl_put(b, RTA_GATEWAY, gateway->bytes, ip_bits(gateway) / 8);
	nl_put_u32(b, RTA_OIF, (uint32_t)index);
}

struct route_infos VEC(struct route_info);

static void parse_attr(const struct nlattr *a, struct route_info *ret)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(a);

	switch (mnl_attr_get_type(a)) {
	case RTA_DST:
		if (mnl_attr_get_payload_len(a) == ip_bits(&ret->dst.ip) / 8)
			memcpy(ret->dst.ip.bytes, mnl_attr_get_payload(a),
			       mnl_attr_get_payload_len(a));
		break;
	case RTA_OIF:
		ret->index = (int)mnl_attr_get_u32(a);
		break;
	case RTA_PRIORITY:
		ret->metric = mnl_attr_get_u32(a);
		break;
	case RTA_TABLE:
		ret->table = mnl_attr_get_u32(a);
		break;
	case RTA_MULTIPATH:
		if (mnl_attr_get_payload_len(a) >= sizeof(*hop))
			ret->index = hop->rtnh_ifindex;
		break;
	}
}

static void take_route(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(m);
	struct route_infos *all = arg;
	struct route_info info = { .dst.ip.family = head->rtm_family };
	const struct nlattr *a;

	(void)tag;
	if (m->nlmsg_type != RTM_NEWROUTE || !ip_bits(&info.dst.ip) ||
	    head->rtm_type != RTN_UNICAST || head->rtm_table == RT_TABLE_LOCAL ||
	    (head->rtm_flags & RTM_F_CLONED) || all->n >= ROUTES_MAX)
		return;
	info.dst.prefix = head->rtm_dst_len;
	info.table = head->rtm_table;
	mnl_attr_for_each(a, m, sizeof(*head)) parse_attr(a, &info);
	vec_push(all, info);
}

int route_list(int fd, struct route_info **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct route_infos all = { 0 };
	struct nl_sink sink = { .message = take_route, .arg = &all };
	struct rtmsg head = { .rtm_family = AF_UNSPEC };

	nl_batch_init(&b);
	nl_begin(&b, "list routes", RTM_GETROUTE, NLM_F_DUMP, &head, sizeof(head));
	if (nl_transact(fd, &b, &sink, err)) {
		vec_fini(&all);
		return -1;
	}
	*ret = all.v;
	*ret_n = all.n;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addr: IPv4 addresses of interfaces by rtnetlink. Called by bridge.c, veth.c, lease.c and
 * facts.c.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "net/addr.h"

struct in_addr addr_mask(unsigned prefix)
{
	return (struct in_addr){ prefix ? htonl(~0u << (32 - prefix)) : 0 };
}

bool addr_overlap(struct in_addr a, unsigned a_prefix, struct in_addr b, unsigned b_prefix)
{
	in_addr_t wider = addr_mask(a_prefix < b_prefix ? a_prefix : b_prefix).s_addr;

	return !((a.s_addr ^ b.s_addr) & wider);
}

void addr_put(struct nl_batch *b, int index, struct in_addr addr, unsigned prefix)
{
	struct ifaddrmsg head = { .ifa_family = AF_INET,
				  .ifa_prefixlen = (uint8_t)prefix,
				  .ifa_index = (uint32_t)index };
	in_addr_t broadcast = addr.s_addr | ~addr_mask(prefix).s_addr;

	nl_begin(b, "set address", RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	nl_put(b, IFA_LOCAL, &addr, sizeof(addr));
	nl_put(b, IFA_ADDRESS, &addr, sizeof(addr));
	if (prefix < 31)
		nl_put(b, IFA_BROADCAST, &broadcast, sizeof(broadcast));
}

struct addr_infos VEC(struct addr_info);

static void take_addr(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(m);
	struct addr_infos *all = arg;
	struct addr_info info = { 0 };
	const struct nlattr *a;

	(void)tag;
	if (m->nlmsg_type != RTM_NEWADDR || head->ifa_family != AF_INET)
		return;
	info.index = (int)head->ifa_index;
	info.prefix = head->ifa_prefixlen;
	/*
	 * On a point-to-point link IFA_ADDRESS is the other side's, and its prefix is what
	 * is routed.
	 */
	mnl_attr_for_each(a, m, sizeof(*head)) if (mnl_attr_get_type(a) == IFA_ADDRESS &&
						   mnl_attr_get_payload_len(a) == sizeof(info.addr))
		memcpy(&info.addr, mnl_attr_get_payload(a), sizeof(info.addr));
	vec_push(all, info);
}

int addr_list(int fd, struct addr_info **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct addr_infos all = { 0 };
	struct nl_sink sink = { .message = take_addr, .arg = &all };
	struct ifaddrmsg head = { .ifa_family = AF_INET };

	nl_batch_init(&b);
	nl_begin(&b, "list addresses", RTM_GETADDR, NLM_F_DUMP, &head, sizeof(head));
	if (nl_transact(fd, &b, &sink, err)) {
		vec_fini(&all);
		return -1;
	}
	*ret = all.v;
	*ret_n = all.n;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addr: addresses of interfaces by rtnetlink. Called by bridge.c, veth.c, lease.c and
 * facts.c.
 */
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "net/addr.h"

void addr_put(struct nl_batch *b, int index, const struct ip_net *net)
{
	bool four = net->ip.family == AF_INET;
	size_t len = ip_bits(&net->ip) / 8;
	struct ifaddrmsg head = { .ifa_family = net->ip.family,
				  .ifa_prefixlen = net->prefix,
				  .ifa_flags = four ? 0 : IFA_F_NODAD,
				  .ifa_index = (uint32_t)index };
	struct ip broadcast = ip_last(net);

	nl_begin(b, "set address", RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof(head));
	nl_put(b, IFA_LOCAL, net->ip.bytes, len);
	nl_put(b, IFA_ADDRESS, net->ip.bytes, len);
	if (four && net->prefix < 31)
		nl_put(b, IFA_BROADCAST, broadcast.bytes, len);
}

struct addr_infos VEC(struct addr_info);

static void take_addr(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(m);
	struct addr_info info = { .net.ip.family = head->ifa_family };
	size_t len = ip_bits(&info.net.ip) / 8;
	struct addr_infos *all = arg;
	const struct nlattr *a;

	(void)tag;
	if (m->nlmsg_type != RTM_NEWADDR || !len)
		return;
	info.index = (int)head->ifa_index;
	info.net.prefix = head->ifa_prefixlen;
	/*
	 * On a point-to-point link IFA_ADDRESS is the other side's, and its prefix is what
	 * is routed.
	 */
	mnl_attr_for_each(a, m, sizeof(*head)) if (mnl_attr_get_type(a) == IFA_ADDRESS &&
						   mnl_attr_get_payload_len(a) == len)
		memcpy(info.net.ip.bytes, mnl_attr_get_payload(a), len);
	vec_push(all, info);
}

int addr_list(int fd, struct addr_info **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct addr_infos all = { 0 };
	struct nl_sink sink = { .message = take_addr, .arg = &all };
	struct ifaddrmsg head = { .ifa_family = AF_UNSPEC };

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

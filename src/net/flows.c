/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flows: stale UDP flows of the connection tracking, by ctnetlink. Called by publish.c when
 * ports are published or withdrawn, by net_down, and by the ledger for a stack whose supervisor was killed. A flow is ours by what it says itself:
 * the port that it was sent to, and the address that answers.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "net/addr.h"
#include "net/flows.h"

/* One way of a flow. */
struct way {
	struct ip src, dst;
	uint16_t sport, dport;
	uint8_t protocol;
};

struct flow {
	struct way there, back;
	const struct nlattr *tuple, *id; /* as the kernel wants them back */
};

typedef bool is_stale_fn(const struct flow *f, const void *arg);

struct search {
	is_stale_fn *is_stale;
	const void *arg;
	struct nl_batch *deletes;
};

static void parse_address(const struct nlattr *a, int family, struct ip *ret)
{
	size_t len = family == AF_INET ? 4 : 16;

	if (mnl_attr_get_payload_len(a) != len)
		return;
	ret->family = (uint8_t)family;
	memcpy(ret->bytes, mnl_attr_get_payload(a), len);
}

static void parse_ips(const struct nlattr *nest, struct way *ret)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, nest)
	{
		switch (mnl_attr_get_type(a)) {
		case CTA_IP_V4_SRC:
			parse_address(a, AF_INET, &ret->src);
			break;
		case CTA_IP_V4_DST:
			parse_address(a, AF_INET, &ret->dst);
			break;
		case CTA_IP_V6_SRC:
			parse_address(a, AF_INET6, &ret->src);
			break;
		case CTA_IP_V6_DST:
			parse_address(a, AF_INET6, &ret->dst);
			break;
		}
	}
}

static void parse_ports(const struct nlattr *nest, struct way *ret)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, nest)
	{
		switch (mnl_attr_get_type(a)) {
		case CTA_PROTO_NUM:
			ret->protocol = mnl_attr_get_u8(a);
			break;
		case CTA_PROTO_SRC_PORT:
			ret->sport = ntohs(mnl_attr_get_u16(a));
			break;
		case CTA_PROTO_DST_PORT:
			ret->dport = ntohs(mnl_attr_get_u16(a));
			break;
		}
	}
}

static void parse_way(const struct nlattr *nest, struct way *ret)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, nest)
	{
		if (mnl_attr_get_type(a) == CTA_TUPLE_IP)
			parse_ips(a, ret);
		else if (mnl_attr_get_type(a) == CTA_TUPLE_PROTO)
			parse_ports(a, ret);
	}
}

static void begin(struct nl_batch *b, const char *what, uint16_t type, uint16_t flags, int family)
{
	struct nfgenmsg head = { .nfgen_family = (uint8_t)family, .version = NFNETLINK_V0 };

	nl_begin(b, what, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type), flags, &head,
		 sizeof(head));
}

/* By its number as well: the next flow of the same ends is another one. */
static void put_delete(struct nl_batch *b, const struct flow *f)
{
	begin(b, "forget a flow", IPCTNL_MSG_CT_DELETE, 0, f->there.dst.family);
	nl_put(b, NLA_F_NESTED | CTA_TUPLE_ORIG, mnl_attr_get_payload(f->tuple),
	       mnl_attr_get_payload_len(f->tuple));
	if (f->id)
		nl_put(b, CTA_ID, mnl_attr_get_payload(f->id), mnl_attr_get_payload_len(f->id));
	nl_tolerate(b, ENOENT);
}

static void take_flow(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	struct search *s = arg;
	struct flow f = { .tuple = NULL };
	const struct nlattr *a;

	(void)tag;
	mnl_attr_for_each(a, m, sizeof(struct nfgenmsg))
	{
		switch (mnl_attr_get_type(a)) {
		case CTA_TUPLE_ORIG:
			f.tuple = a;
			parse_way(a, &f.there);
			break;
		case CTA_TUPLE_REPLY:
			parse_way(a, &f.back);
			break;
		case CTA_ID:
			f.id = a;
			break;
		}
	}
	if (f.tuple && f.there.protocol == IPPROTO_UDP && f.back.src.family &&
	    s->is_stale(&f, s->arg))
		put_delete(s->deletes, &f);
}

static void forget(int nft, is_stale_fn *is_stale, const void *arg)
{
	_cleanup_(nl_batch_fini) struct nl_batch list = { 0 }, deletes = { 0 };
	struct search s = { is_stale, arg, &deletes };
	struct nl_sink sink = { .message = take_flow, .arg = &s };

	nl_batch_init(&list);
	nl_batch_init(&deletes);
	begin(&list, "list flows", IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
	if (!nl_transact(nft, &list, &sink, NULL) && deletes.labels.n)
		nl_transact(nft, &deletes, NULL, NULL);
}

/* ---- which --------------------------------------------------------------------------------- */

static bool is_inside(const struct net *n, const struct ip *ip)
{
	for (size_t i = 0; i < n->spec->n_bridges; i++)
		for (size_t k = 0; k < n->spec->bridges[i].n_subnets; k++)
			if (ip_is_within(ip, &n->spec->bridges[i].subnets[k].net))
				return true;
	return false;
}

/* Sent on to a container. */
static bool is_sent_on(const struct flow *f, const void *net)
{
	return !ip_equal(&f->back.src, &f->there.dst) && is_inside(net, &f->back.src);
}

struct subnets {
	const struct ip_net *nets;
	size_t count;
};

/* Sent on to somebody there. */
static bool is_sent_to(const struct flow *f, const void *arg)
{
	const struct subnets *s = arg;

	for (size_t i = 0; i < s->count; i++)
		if (ip_is_within(&f->back.src, &s->nets[i]))
			return !ip_equal(&f->back.src, &f->there.dst);
	return false;
}

struct wanted {
	const struct net *net;
	const struct net_publish_spec *pubs;
	size_t count;
	const struct addr_info *addrs;
	size_t n_addrs;
};

static bool is_of_host(const struct wanted *w, const struct ip *ip)
{
	for (size_t i = 0; i < w->n_addrs; i++)
		if (ip_equal(&w->addrs[i].net.ip, ip))
			return true;
	return false;
}

/* It is meant for this port of the host. */
static bool is_meant_for(const struct wanted *w, const struct net_publish_spec *pub,
			 const struct flow *f)
{
	if (pub->protocol != IPPROTO_UDP || f->there.dport != pub->host_port ||
	    f->there.dst.family != pub->host_ip.family)
		return false;
	return ip_is_zero(&pub->host_ip) ? is_of_host(w, &f->there.dst)
					 : ip_equal(&pub->host_ip, &f->there.dst);
}

/* And leads to the host itself, or to one of us. */
static bool is_misled(const struct flow *f, const void *arg)
{
	const struct wanted *w = arg;

	if (!ip_equal(&f->back.src, &f->there.dst) && !is_inside(w->net, &f->back.src))
		return false;
	for (size_t i = 0; i < w->count; i++)
		if (is_meant_for(w, &w->pubs[i], f))
			return true;
	return false;
}

static bool has_udp(const struct net_publish_spec *pubs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (pubs[i].protocol == IPPROTO_UDP)
			return true;
	return false;
}

void flows_forget(struct net *n, const struct net_publish_spec *pubs, size_t count)
{
	_cleanup_free_ struct addr_info *addrs = NULL;
	struct wanted w = { n, pubs, count, NULL, 0 };

	if (!has_udp(pubs, count))
		return;
	n->has_udp = true;
	if (addr_list(n->rtnl, &addrs, &w.n_addrs, NULL))
		return;
	w.addrs = addrs;
	forget(n->nft, is_misled, &w);
}

void flows_forget_all(struct net *n)
{
	if (n->has_udp)
		forget(n->nft, is_sent_on, n);
}

void flows_forget_subnets(const struct ip_net *nets, size_t count)
{
	const struct subnets s = { nets, count };
	_cleanup_fd_ int nft = count ? nl_socket(NETLINK_NETFILTER, NULL) : -1;

	if (nft >= 0)
		forget(nft, is_sent_to, &s);
}

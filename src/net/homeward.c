/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * homeward: see homeward.h. Called by porch.c.
 *
 * mstack-net calls a container from the address of the client (IP_TRANSPARENT, ip(7)), which is no address of this namespace: the answer would
 * be sent on towards it. So what belongs to a socket of that kind is marked before it is routed, and what is marked is for us.
 */
/* glibc's view of the addresses must come before the kernel's. */
#include <netinet/in.h>

/* libnftnl speaks of FILE without it. */
#include <stdio.h>

#include <errno.h>
#include <fcntl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/fib_rules.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

#include "mstack/net.h"
#include "net/homeward.h"
#include "net/nft.h"
#include "net/nftrule.h"

/* The namespace is ours, so nobody else has these numbers. lo is the first of all links. */
enum { MARK = 0x6d73, ROUTES = 0x6d73, BEFORE_ALL = 1, LO = 1 };

static const char table[] = "mstack_home";

/* Marked: look in a table of its own. There: all addresses are ours. */
static void put_routes(struct nl_batch *b, uint8_t family, int without)
{
	const struct fib_rule_hdr rule = { .family = family,
					   .table = RT_TABLE_UNSPEC,
					   .action = FR_ACT_TO_TBL };
	const struct rtmsg route = { .rtm_family = family,
				     .rtm_table = RT_TABLE_UNSPEC,
				     .rtm_protocol = RTPROT_STATIC,
				     .rtm_scope = RT_SCOPE_HOST,
				     .rtm_type = RTN_LOCAL };

	nl_begin(b, "add rule", RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, &rule, sizeof(rule));
	nl_put_u32(b, FRA_TABLE, ROUTES);
	nl_put_u32(b, FRA_FWMARK, MARK);
	nl_put_u32(b, FRA_PRIORITY, BEFORE_ALL);
	nl_tolerate(b, without);
	nl_begin(b, "add route", RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof(route));
	nl_put_u32(b, RTA_TABLE, ROUTES);
	nl_put_u32(b, RTA_OIF, LO);
	nl_tolerate(b, without);
}

/* A kernel without IPv6 knows no rules of that family, and no routes. */
static int make_routes(struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	_cleanup_fd_ int fd = nl_socket(NETLINK_ROUTE, err);

	if (fd < 0)
		return -1;
	nl_batch_init(&b);
	put_routes(&b, AF_INET, 0);
	put_routes(&b, AF_INET6, EAFNOSUPPORT);
	return nl_transact(fd, &b, NULL, err) ? err_wrap(err, "routes") : 0;
}

/* socket transparent 1 meta mark set MARK */
static void put_rule(struct nl_batch *b)
{
	static const uint8_t yes = 1;
	static const uint32_t mark = MARK;
	struct nftnl_rule *r = nft_rule_new(table, "home");
	struct nftnl_expr *e = nft_rule_add(r, "socket");

	nftnl_expr_set_u32(e, NFTNL_EXPR_SOCKET_KEY, NFT_SOCKET_TRANSPARENT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_SOCKET_DREG, NFT_REG_1);
	e = nft_rule_add(r, "cmp");
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, &yes, sizeof(yes));
	e = nft_rule_add(r, "immediate");
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, &mark, sizeof(mark));
	e = nft_rule_add(r, "meta");
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_SREG, NFT_REG_1);
	nft_put_rule(b, NFPROTO_INET, r);
}

void homeward_put(struct nl_batch *b)
{
	nft_begin(b);
	nft_put_free_table(b, table, 0);
	/* Behind the tracking of connections, before routing. */
	nft_put_chain(b, &(struct nft_chain){ .family = NFPROTO_INET,
					      .table = table,
					      .name = "home",
					      .type = "filter",
					      .hook = NF_INET_PRE_ROUTING,
					      .priority = -150 });
	put_rule(b);
	nft_end(b);
}

static int make_table(struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, err);

	if (fd < 0)
		return -1;
	nl_batch_init(&b);
	homeward_put(&b);
	if (nl_transact(fd, &b, NULL, err) == 0)
		return 0;
	/* A part of nftables that is a module of its own. */
	if (err->sys == ENOENT)
		return err_set(err,
			       "nftables cannot look for sockets here: sudo modprobe nft_socket");
	return err_wrap(err, "nftables table '%s'", table);
}

int homeward_open(struct err *err)
{
	net_become_router();
	return make_routes(err) < 0 || make_table(err) < 0 ? -1 : 0;
}

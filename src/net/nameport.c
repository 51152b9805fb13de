/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nameport: makes two sockets of a slot its DNS server: bound to 127.0.0.11, each to a port that is free there, and a table in the
 * slot's network that leads port 53 of that address to them. So port 53 itself stays free, for a DNS server in the container. Called by helper.c.
 *
 * Ports are written into the packets, both ways. Translation of addresses would be one rule less, but the kernel then keeps track of
 * every connection of the container, which each of its packets would pay for.
 *
 * The table goes with the slot's network, so it is in no ledger. Where the kernel can, it is ours alone, and a container that
 * flushes its own rules keeps its names.
 */
/* libnftnl speaks of FILE without it. */
#include <stdio.h>

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <sys/socket.h>

#include "net/nameport.h"
#include "net/nft.h"
#include "net/nftrule.h"

/* Since Linux 6.9: a table that is left alone by others, and outlives its owner all the same. */
#define FLAG_PERSIST 4

static const char table[] = "mstack_dns";
static const uint8_t address[] = { 127, 0, 0, 11 };

/* ---- sockets --------------------------------------------------------------------------------- */

/* 0: it has none yet. */
static in_port_t port_of(int fd)
{
	struct sockaddr_in a = { 0 };
	socklen_t len = sizeof(a);

	return getsockname(fd, (struct sockaddr *)&a, &len) < 0 ? 0 : a.sin_port;
}

/* lo may not be up yet, hence the option. Returns the port, or 0 with errno. */
static in_port_t bind_one(int fd, bool tcp)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int on = 1;

	memcpy(&a.sin_addr, address, sizeof(address));
	if (setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) ||
	    (!port_of(fd) && bind(fd, (struct sockaddr *)&a, sizeof(a))) ||
	    (tcp && listen(fd, 64)))
		return 0;
	return port_of(fd);
}

/* ---- rules ----------------------------------------------------------------------------------- */

static void add_meta(struct nftnl_rule *r, uint32_t key)
{
	struct nftnl_expr *e = nft_rule_add(r, "meta");

	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void add_payload(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t len)
{
	struct nftnl_expr *e = nft_rule_add(r, "payload");

	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

static void add_is(struct nftnl_rule *r, const void *data, uint32_t len)
{
	struct nftnl_expr *e = nft_rule_add(r, "cmp");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len);
}

static void add_write(struct nftnl_rule *r, in_port_t value, uint32_t offset, uint32_t checksum)
{
	struct nftnl_expr *e = nft_rule_add(r, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, &value, sizeof(value));
	e = nft_rule_add(r, "payload");
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, sizeof(value));
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_CSUM_OFFSET, checksum);
}

/* Where things stand: of IPv4 the address, of UDP and TCP the port, of that way. */
struct way {
	const char *chain;
	uint32_t address, port;
};
static const struct way there = { "to_server", 16, 2 }, back = { "from_server", 12, 0 };

/* ip daddr 127.0.0.11 PROTOCOL dport FROM PROTOCOL dport set TO; of the way back saddr and sport */
static void put_rule(struct nl_batch *b, const struct way *w, uint8_t protocol, in_port_t from,
		     in_port_t to)
{
	static const uint8_t ipv4 = NFPROTO_IPV4;
	struct nftnl_rule *r = nft_rule_new(table, w->chain);

	add_meta(r, NFT_META_NFPROTO);
	add_is(r, &ipv4, sizeof(ipv4));
	add_payload(r, NFT_PAYLOAD_NETWORK_HEADER, w->address, sizeof(address));
	add_is(r, address, sizeof(address));
	add_meta(r, NFT_META_L4PROTO);
	add_is(r, &protocol, sizeof(protocol));
	add_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, w->port, sizeof(from));
	add_is(r, &from, sizeof(from));
	add_write(r, to, w->port, protocol == IPPROTO_UDP ? 6 : 16);
	nft_put_rule(b, NFPROTO_INET, r);
}

static void put_rules(struct nl_batch *b, uint8_t protocol, in_port_t port)
{
	put_rule(b, &there, protocol, htons(53), port);
	put_rule(b, &back, protocol, port, htons(53));
}

static void put_chain(struct nl_batch *b, const struct way *w, uint32_t hook, int32_t priority)
{
	nft_put_chain(b, &(struct nft_chain){ .family = NFPROTO_INET,
					      .table = table,
					      .name = w->chain,
					      .type = "filter",
					      .hook = hook,
					      .priority = priority });
}

static int make_table(int nft, uint32_t flags, in_port_t udp, in_port_t tcp, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	nft_begin(&b);
	nft_put_free_table(&b, table, flags);
	/* The last before its socket is looked for, the first of all: whoever tracks connections there sees port 53 in both. */
	put_chain(&b, &there, NF_INET_LOCAL_IN, 300);
	put_chain(&b, &back, NF_INET_LOCAL_OUT, -300);
	put_rules(&b, IPPROTO_UDP, udp);
	put_rules(&b, IPPROTO_TCP, tcp);
	nft_end(&b);
	return nl_transact(nft, &b, NULL, err) ? -1 : 0;
}

/* Whether it is there or not. */
static void remove_table(int nft)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	nft_begin(&b);
	nft_put_delete(&b, table);
	nft_end(&b);
	nl_transact(nft, &b, NULL, &(struct err){ 0 });
}

int nameport_open(int udp, int tcp, int nft, struct err *err)
{
	/* By a supervisor that died in this, and whose namespaces live on. */
	bool begun = port_of(udp);
	in_port_t udp_port = bind_one(udp, false), tcp_port = udp_port ? bind_one(tcp, true) : 0;

	if (!udp_port || !tcp_port)
		return err_sys(err, errno, "bind to 127.0.0.11");
	nl_tune(nft);
	if (begun)
		remove_table(nft);
	if (!make_table(nft, NFT_TABLE_F_OWNER | FLAG_PERSIST, udp_port, tcp_port, err))
		return 0;
	if (err->sys != EOPNOTSUPP && err->sys != EINVAL)
		return err_wrap(err, "nftables table '%s'", table);
	return make_table(nft, 0, udp_port, tcp_port, err)
		       ? err_wrap(err, "nftables table '%s'", table)
		       : 0;
}

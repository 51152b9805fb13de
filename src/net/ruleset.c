/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ruleset: what a stack's nftables table looks like: its sets, chains and rules, as tables
 * of rows. Called by net.c and netprobe.c. All that differs between two stacks is in the
 * elements of the sets; so the rules never change.
 *
 * Rules are written in the order of expressions that nft itself uses, so that `nft list
 * ruleset` prints them as rules and reads them again. Names must not be words of nft's
 * language, and a set of interface names must say its byte order.
 */
/* glibc's view of the addresses must come before the kernel's. */
#include <netinet/in.h>

/* libnftnl speaks of FILE without it. */
#include <stdio.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

#include "net/link.h"
#include "net/nft.h"
#include "net/nftrule.h"

#define BODY_ROOM (8u << 10)

/* ---- sets ------------------------------------------------------------------------------------ */

/*
 * nft's numbers of types, six bits each in a concatenation; the kernel only hands them
 * back to nft.
 */
enum { TYPE_IPV4 = 7, TYPE_IPV6 = 8, TYPE_PROTO = 12, TYPE_SERVICE = 13, TYPE_IFNAME = 41 };
#define TYPES2(a, b)	   ((a) << 6 | (b))
#define TYPES3(a, b, c)	   ((a) << 12 | (b) << 6 | (c))
#define TYPES4(a, b, c, d) ((a) << 18 | (b) << 12 | (c) << 6 | (d))
#define RANGES		   (NFT_SET_INTERVAL | NFT_SET_CONCAT)
#define BYTEORDER_HOST	   1

struct set_row {
	const char *name;
	uint32_t flags, key_type, key_len, data_type, data_len;
	uint8_t fields[4]; /* of a key with ranges: their lengths */
};

/* clang-format off */
static const struct set_row sets[] = {
	{ "brs", 0, TYPE_IFNAME, IFNAMSIZ, 0, 0, { 0 } },		/* bridges of this stack */
	{ "internal", 0, TYPE_IFNAME, IFNAMSIZ, 0, 0, { 0 } },		/* those without a way out */
	{ "uplinks4", 0, TYPE_IFNAME, IFNAMSIZ, 0, 0, { 0 } },	/* devices that forward only because of us */
	{ "uplinks6", 0, TYPE_IFNAME, IFNAMSIZ, 0, 0, { 0 } },
	{ "sub4", NFT_SET_INTERVAL, TYPE_IPV4, 4, 0, 0, { 0 } },	/* subnets that are masqueraded */
	{ "sub6", NFT_SET_INTERVAL, TYPE_IPV6, 16, 0, 0, { 0 } },
	{ "routed4", NFT_SET_INTERVAL, TYPE_IPV4, 4, 0, 0, { 0 } },	/* those of them that go out as they are */
	{ "routed6", NFT_SET_INTERVAL, TYPE_IPV6, 16, 0, 0, { 0 } },
	{ "pairs", NFT_SET_MAP, TYPES2(TYPE_IFNAME, TYPE_IFNAME), 2 * IFNAMSIZ, NFT_DATA_VERDICT, 0, { 0 } },
	/* Published ports: for any address of the host, for one, and ranges whose numbers stay as they are. */
	{ "pub4", NFT_SET_MAP, TYPES2(TYPE_PROTO, TYPE_SERVICE), 8, TYPES2(TYPE_IPV4, TYPE_SERVICE), 8, { 0 } },
	{ "pub6", NFT_SET_MAP, TYPES2(TYPE_PROTO, TYPE_SERVICE), 8, TYPES2(TYPE_IPV6, TYPE_SERVICE), 20, { 0 } },
	{ "pubip4", NFT_SET_MAP, TYPES3(TYPE_IPV4, TYPE_PROTO, TYPE_SERVICE), 12, TYPES2(TYPE_IPV4, TYPE_SERVICE), 8, { 0 } },
	{ "pubip6", NFT_SET_MAP, TYPES3(TYPE_IPV6, TYPE_PROTO, TYPE_SERVICE), 24, TYPES2(TYPE_IPV6, TYPE_SERVICE), 20, { 0 } },
	{ "rng4", NFT_SET_MAP | RANGES, TYPES3(TYPE_IPV4, TYPE_PROTO, TYPE_SERVICE), 12, TYPE_IPV4, 4, { 4, 1, 2 } },
	{ "rng6", NFT_SET_MAP | RANGES, TYPES3(TYPE_IPV6, TYPE_PROTO, TYPE_SERVICE), 24, TYPE_IPV6, 16, { 16, 1, 2 } },
	/* Ports that not everybody may reach, and who may. */
	{ "limited4", RANGES, TYPES3(TYPE_IPV4, TYPE_PROTO, TYPE_SERVICE), 12, 0, 0, { 4, 1, 2 } },
	{ "limited6", RANGES, TYPES3(TYPE_IPV6, TYPE_PROTO, TYPE_SERVICE), 24, 0, 0, { 16, 1, 2 } },
	{ "allow4", RANGES, TYPES4(TYPE_IPV4, TYPE_IPV4, TYPE_PROTO, TYPE_SERVICE), 16, 0, 0, { 4, 4, 1, 2 } },
	{ "allow6", RANGES, TYPES4(TYPE_IPV6, TYPE_IPV6, TYPE_PROTO, TYPE_SERVICE), 40, 0, 0, { 16, 16, 1, 2 } },
};
/* clang-format on */

static uint32_t field_count(const struct set_row *row)
{
	uint32_t n = 0;

	while (n < ARRAY_LEN(row->fields) && row->fields[n])
		n++;
	return n;
}

static void put_set(struct nl_batch *b, const char *table, const struct set_row *row, uint32_t id)
{
	struct nftnl_udata_buf *data = nftnl_udata_buf_alloc(64);
	struct nftnl_set *s = nftnl_set_alloc();
	struct nlmsghdr *m;

	if (!data || !s)
		abort();
	nftnl_set_set_str(s, NFTNL_SET_TABLE, table);
	nftnl_set_set_str(s, NFTNL_SET_NAME, row->name);
	nftnl_set_set_u32(s, NFTNL_SET_ID, id);
	nftnl_set_set_u32(s, NFTNL_SET_FLAGS, row->flags);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, row->key_type);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, row->key_len);
	if (row->flags & NFT_SET_MAP) {
		nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, row->data_type);
		nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, row->data_len);
	}
	if (row->fields[0])
		nftnl_set_set_data(s, NFTNL_SET_DESC_CONCAT, row->fields, field_count(row));
	if (row->key_type == TYPE_IFNAME) {
		nftnl_udata_put_u32(data, NFTNL_UDATA_SET_KEYBYTEORDER, BYTEORDER_HOST);
		nftnl_set_set_data(s, NFTNL_SET_USERDATA, nftnl_udata_buf_data(data),
				   nftnl_udata_buf_len(data));
	}
	nft_message(b, "create set", NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL);
	m = nl_message(b, BODY_ROOM);
	if (m) {
		nftnl_set_nlmsg_build_payload(m, s);
		nl_sync(b);
	}
	nftnl_set_free(s);
	nftnl_udata_buf_free(data);
}

/* ---- chains ---------------------------------------------------------------------------------- */

struct chain_row {
	const char *name, *type; /* type NULL: only jumped to */
	uint32_t hook;
	int32_t priority;
};

static const struct chain_row chains[] = {
	{ "publish", NULL, 0, 0 },
	{ "nat_pre", "nat", NF_INET_PRE_ROUTING, -100 },
	{ "nat_out", "nat", NF_INET_LOCAL_OUT, -100 },
	{ "nat_post", "nat", NF_INET_POST_ROUTING, 100 },
	{ "forward", "filter", NF_INET_FORWARD, 0 },
	{ "guard", "filter", NF_INET_PRE_ROUTING, -300 },
};

static void put_chain(struct nl_batch *b, const char *table, const struct chain_row *row)
{
	nft_put_chain(b, &(struct nft_chain){ .family = NFPROTO_INET,
					      .table = table,
					      .name = row->name,
					      .type = row->type,
					      .hook = row->hook,
					      .priority = row->priority });
}

/* ---- rules ----------------------------------------------------------------------------------- */

/*
 * One expression. Values go through registers: 1 to 4 are of 16 bytes, and 8 to 11 are the
 * first of these once more in pieces of 4; so the fields of a key that begins in register
 * 1 go on in 9, 10.
 */
enum op_kind {
	OP_NONE = 0,
	OP_META,   /* key a -> register b */
	OP_LOAD,   /* header base a, offset b, length c -> register d */
	OP_CT,	   /* key a -> register 1 */
	OP_FIB,	   /* type of the destination address -> register 1 */
	OP_MASK,   /* register 1 &= a */
	OP_CMP,	   /* register 1, operator a, b bytes at data */
	OP_LOOKUP, /* register 1 in set `data`; b: flags; c: register for the value, or NO_VALUE */
	OP_DNAT,   /* to the address in register 1 and the port in 9 */
	OP_MASQUERADE,
	OP_COUNTER,
	OP_VERDICT, /* code a, chain `data` */
};

struct op {
	enum op_kind kind;
	uint32_t a, b, c, d;
	const void *data;
};

#define NO_VALUE UINT32_MAX
#define META(key, reg)                                   \
	{                                                \
		OP_META, NFT_META_##key, reg, 0, 0, NULL \
	}
#define LOAD(base, offset, len, reg)                                         \
	{                                                                    \
		OP_LOAD, NFT_PAYLOAD_##base##_HEADER, offset, len, reg, NULL \
	}
#define CMP(op, len, data)                            \
	{                                             \
		OP_CMP, NFT_CMP_##op, len, 0, 0, data \
	}
#define IN(set)                                   \
	{                                         \
		OP_LOOKUP, 0, 0, NO_VALUE, 0, set \
	}
#define NOT_IN(set)                                              \
	{                                                        \
		OP_LOOKUP, 0, NFT_LOOKUP_F_INV, NO_VALUE, 0, set \
	}
#define MAP(set)                                   \
	{                                          \
		OP_LOOKUP, 0, 0, NFT_REG_1, 0, set \
	}
#define VERDICT_MAP(set)                                 \
	{                                                \
		OP_LOOKUP, 0, 0, NFT_REG_VERDICT, 0, set \
	}
#define VERDICT(code)                                       \
	{                                                   \
		OP_VERDICT, (uint32_t)(code), 0, 0, 0, NULL \
	}
#define JUMP(chain)                                            \
	{                                                      \
		OP_VERDICT, (uint32_t)NFT_JUMP, 0, 0, 0, chain \
	}
#define COUNTER                              \
	{                                    \
		OP_COUNTER, 0, 0, 0, 0, NULL \
	}
/* `port`: the register with it, 0: it stays */
#define DNAT(family, port)                        \
	{                                         \
		OP_DNAT, family, port, 0, 0, NULL \
	}
#define MASQUERADE                              \
	{                                       \
		OP_MASQUERADE, 0, 0, 0, 0, NULL \
	}
#define FIB_LOCAL { OP_FIB, 0, 0, 0, 0, NULL }, CMP(EQ, 4, &rtn_local)
#define CT_HAS(key, bits) \
	{ OP_CT, NFT_CT_##key, 0, 0, 0, NULL }, { OP_MASK, bits, 0, 0, 0, NULL }, CMP(NEQ, 4, &zero)
#define NOT_PUBLISHED                                                                     \
	{ OP_CT, NFT_CT_STATUS, 0, 0, 0, NULL }, { OP_MASK, IPS_DST_NAT, 0, 0, 0, NULL }, \
		CMP(EQ, 4, &zero)
#define NOT_OURS                                                                 \
	META(OIFGROUP, NFT_REG_1), { OP_MASK, LINK_GROUPS_MASK, 0, 0, 0, NULL }, \
		CMP(NEQ, 4, &link_groups)
#define IPV4	    META(NFPROTO, NFT_REG_1), CMP(EQ, 1, &nfproto_ipv4)
#define IPV6	    META(NFPROTO, NFT_REG_1), CMP(EQ, 1, &nfproto_ipv6)
#define SADDR	    LOAD(NETWORK, 12, 4, NFT_REG_1)
#define DADDR(reg)  LOAD(NETWORK, 16, 4, reg)
#define SADDR6	    LOAD(NETWORK, 8, 16, NFT_REG_1)
#define DADDR6(reg) LOAD(NETWORK, 24, 16, reg)
#define DPORT(reg)  LOAD(TRANSPORT, 2, 2, reg)
/* Address, protocol, port: what a published port is known by. */
#define TO4 IPV4, DADDR(NFT_REG_1), META(L4PROTO, NFT_REG32_01), DPORT(NFT_REG32_02)
#define TO6 IPV6, DADDR6(NFT_REG_1), META(L4PROTO, NFT_REG32_04), DPORT(NFT_REG32_05)
/* The same behind the address that it comes from. */
#define FROM4		 SADDR, DADDR(NFT_REG32_01), META(L4PROTO, NFT_REG32_02), DPORT(NFT_REG32_03)
#define FROM6		 SADDR6, DADDR6(NFT_REG_2), META(L4PROTO, NFT_REG_3), DPORT(NFT_REG32_09)
#define IIF		 META(IIFNAME, NFT_REG_1)
#define OIF		 META(OIFNAME, NFT_REG_1)
#define IIF_OIF		 META(IIFNAME, NFT_REG_1), META(OIFNAME, NFT_REG_2)
#define LOOPBACK(offset) IPV4, LOAD(NETWORK, offset, 1, NFT_REG_1), CMP(EQ, 1, &net_127)

static const uint32_t rtn_local = RTN_LOCAL, zero, link_groups = LINK_GROUPS;
static const uint8_t nfproto_ipv4 = NFPROTO_IPV4, nfproto_ipv6 = NFPROTO_IPV6, net_127 = 127;
static const uint8_t localhost6[16] = { [15] = 1 };
static const char lo[IFNAMSIZ] = "lo";

/* Bits of `ct state`. */
enum { STATE_ESTABLISHED = 2, STATE_RELATED = 4 };

struct rule_row {
	const char *chain;
	struct op ops[16]; /* the last one is empty */
};

/* clang-format off */
static const struct rule_row rules[] = {
	/* Published ports: to one address of the host, then to any. */
	{ "publish", { TO4, MAP("pubip4"), DNAT(NFPROTO_IPV4, NFT_REG32_01) } },
	{ "publish", { IPV4, META(L4PROTO, NFT_REG_1), DPORT(NFT_REG32_01), MAP("pub4"), DNAT(NFPROTO_IPV4, NFT_REG32_01) } },
	{ "publish", { TO4, MAP("rng4"), DNAT(NFPROTO_IPV4, 0) } },
	{ "publish", { TO6, MAP("pubip6"), DNAT(NFPROTO_IPV6, NFT_REG_2) } },
	{ "publish", { IPV6, META(L4PROTO, NFT_REG_1), DPORT(NFT_REG32_01), MAP("pub6"), DNAT(NFPROTO_IPV6, NFT_REG_2) } },
	{ "publish", { TO6, MAP("rng6"), DNAT(NFPROTO_IPV6, 0) } },
	/* Who may not reach a port finds nothing there. */
	{ "nat_pre", { FIB_LOCAL, TO4, IN("limited4"), FROM4, NOT_IN("allow4"), COUNTER, VERDICT(NF_DROP) } },
	{ "nat_pre", { FIB_LOCAL, TO6, IN("limited6"), FROM6, NOT_IN("allow6"), COUNTER, VERDICT(NF_DROP) } },
	{ "nat_pre", { FIB_LOCAL, JUMP("publish") } },
	/* The kernel drops answers to ::1 that come in from elsewhere, so there is no way by it. */
	{ "nat_out", { IPV6, DADDR6(NFT_REG_1), CMP(EQ, 16, localhost6), VERDICT(NFT_RETURN) } },
	{ "nat_out", { FIB_LOCAL, JUMP("publish") } },

	{ "nat_post", { IPV4, SADDR, IN("routed4"), OIF, NOT_IN("brs"), VERDICT(NFT_RETURN) } },
	{ "nat_post", { IPV6, SADDR6, IN("routed6"), OIF, NOT_IN("brs"), VERDICT(NFT_RETURN) } },
	{ "nat_post", { IPV4, SADDR, IN("sub4"), OIF, NOT_IN("brs"), MASQUERADE } },
	{ "nat_post", { IPV6, SADDR6, IN("sub6"), OIF, NOT_IN("brs"), MASQUERADE } },
	/*
	 * A container that calls a published port of its own network: the answer must come
	 * back through us.
	 */
	{ "nat_post", { CT_HAS(STATUS, IPS_DST_NAT), OIF, IN("brs"), IPV4, SADDR, IN("sub4"), MASQUERADE } },
	{ "nat_post", { CT_HAS(STATUS, IPS_DST_NAT), OIF, IN("brs"), IPV6, SADDR6, IN("sub6"), MASQUERADE } },
	/* The host that calls one through 127.0.0.1. */
	{ "nat_post", { LOOPBACK(12), OIF, IN("brs"), MASQUERADE } },

	{ "forward", { CT_HAS(STATE, STATE_ESTABLISHED | STATE_RELATED), VERDICT(NF_ACCEPT) } },
	/* Frames within a bridge are seen here where br_netfilter is on. */
	{ "forward", { IIF_OIF, VERDICT_MAP("pairs") } },
	{ "forward", { IIF, IN("internal"), COUNTER, VERDICT(NF_DROP) } },
	{ "forward", { OIF, IN("internal"), COUNTER, VERDICT(NF_DROP) } },
	{ "forward", { OIF, IN("brs"), CT_HAS(STATUS, IPS_DST_NAT), VERDICT(NF_ACCEPT) } },
	{ "forward", { OIF, IN("brs"), COUNTER, VERDICT(NF_DROP) } },
	/*
	 * Where forwarding is on because of us, the host shall not become a router. The groups of links spare other stacks,
	 * and what somebody has published is meant to come in.
	 */
	{ "forward", { IPV4, IIF, IN("uplinks4"), NOT_OURS, NOT_PUBLISHED, COUNTER, VERDICT(NF_DROP) } },
	{ "forward", { IPV6, IIF, IN("uplinks6"), NOT_OURS, NOT_PUBLISHED, COUNTER, VERDICT(NF_DROP) } },

	/* route_localnet lets neighbours address our 127/8: they may not. */
	{ "guard", { IIF, CMP(NEQ, IFNAMSIZ, lo), LOOPBACK(16), COUNTER, VERDICT(NF_DROP) } },
};
/* clang-format on */

static const char *const op_names[] = {
	[OP_META] = "meta",	  [OP_LOAD] = "payload",      [OP_CT] = "ct",
	[OP_FIB] = "fib",	  [OP_MASK] = "bitwise",      [OP_CMP] = "cmp",
	[OP_LOOKUP] = "lookup",	  [OP_DNAT] = "nat",	      [OP_MASQUERADE] = "masq",
	[OP_COUNTER] = "counter", [OP_VERDICT] = "immediate",
};

static void fill_nat(struct nftnl_expr *e, const struct op *op)
{
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, op->a);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	if (op->b)
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, op->b);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FLAGS,
			   op->b ? NF_NAT_RANGE_PROTO_SPECIFIED | NF_NAT_RANGE_MAP_IPS
				 : NF_NAT_RANGE_MAP_IPS);
}

static void fill_lookup(struct nftnl_expr *e, const struct op *op)
{
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, op->data);
	if (op->b)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, op->b);
	if (op->c != NO_VALUE)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, op->c);
}

static void fill_mask(struct nftnl_expr *e, const struct op *op)
{
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, sizeof(op->a));
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, &op->a, sizeof(op->a));
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, &zero, sizeof(zero));
}

static void fill_op(struct nftnl_expr *e, const struct op *op)
{
	switch (op->kind) {
	case OP_META:
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, op->a);
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, op->b);
		break;
	case OP_LOAD:
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, op->a);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, op->b);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, op->c);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, op->d);
		break;
	case OP_CT:
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, op->a);
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
		break;
	case OP_FIB:
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
		break;
	case OP_MASK:
		fill_mask(e, op);
		break;
	case OP_CMP:
		nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
		nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op->a);
		nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, op->data, op->b);
		break;
	case OP_LOOKUP:
		fill_lookup(e, op);
		break;
	case OP_DNAT:
		fill_nat(e, op);
		break;
	case OP_VERDICT:
		nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
		nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, op->a);
		if (op->data)
			nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, op->data);
		break;
	case OP_NONE:
	case OP_MASQUERADE:
	case OP_COUNTER:
		break;
	}
}

static void put_rule(struct nl_batch *b, const char *table, const struct rule_row *row)
{
	struct nftnl_rule *r = nft_rule_new(table, row->chain);

	for (size_t i = 0; i < ARRAY_LEN(row->ops) && row->ops[i].kind; i++)
		fill_op(nft_rule_add(r, op_names[row->ops[i].kind]), &row->ops[i]);
	nft_put_rule(b, NFPROTO_INET, r);
}

void ruleset_put(struct nl_batch *b, const char *table)
{
	for (uint32_t i = 0; i < ARRAY_LEN(sets); i++)
		put_set(b, table, &sets[i], i + 1);
	for (size_t i = 0; i < ARRAY_LEN(chains); i++)
		put_chain(b, table, &chains[i]);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		put_rule(b, table, &rules[i]);
}

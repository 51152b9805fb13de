/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fwd: the nftables table of a stack's wires. At the ingress of each host end a rule marks every
 * frame and hands it to the other host end; at the egress only frames with this mark go out, so
 * that whatever speaks on all links of the host (lldpd, avahi) is not heard on a wire. Called by
 * wire.c, before either host end is up: from then on no frame meets the host. The table is owned
 * by our socket and goes with it.
 */
/* glibc's view of the addresses must come before the kernel's. */
#include <netinet/in.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "net/link.h"
#include "net/net.h"
#include "net/nft.h"
#include "net/nftrule.h"

char *fwd_table(const struct net_spec *spec)
{
	return xasprintf(NFT_NETDEV "%s", spec->table);
}

/* Of frames of a wire, between its two host ends only. */
static const uint32_t mark = 0x6d737477, no_mark;

static void put_chain(struct nl_batch *b, const char *table, const char *name, const char *dev,
		      uint32_t hook)
{
	nft_put_chain(b, &(struct nft_chain){ .family = NFPROTO_NETDEV,
					      .table = nft_table_name(table),
					      .name = name,
					      .type = "filter",
					      .dev = dev,
					      .hook = hook });
}

static struct nftnl_rule *new_rule(const char *table, const char *chain)
{
	return nft_rule_new(nft_table_name(table), chain);
}

/* Values go through register 1. */
static void add_value(struct nftnl_rule *r, uint32_t value)
{
	struct nftnl_expr *e = nft_rule_add(r, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, &value, sizeof(value));
}

static void add_set_mark(struct nftnl_rule *r, uint32_t value)
{
	struct nftnl_expr *e;

	add_value(r, value);
	e = nft_rule_add(r, "meta");
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_SREG, NFT_REG_1);
}

static void add_has_mark(struct nftnl_rule *r)
{
	struct nftnl_expr *e = nft_rule_add(r, "meta");

	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
	e = nft_rule_add(r, "cmp");
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, &mark, sizeof(mark));
}

static void add_verdict(struct nftnl_rule *r, uint32_t verdict)
{
	struct nftnl_expr *e = nft_rule_add(r, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, verdict);
}

/* The chain is called like its device: names of ours are no words of nft. */
void fwd_put(struct nl_batch *b, const char *table, const char *from, int to)
{
	struct nftnl_rule *r = new_rule(table, from);
	struct nftnl_expr *e;

	put_chain(b, table, from, from, NF_NETDEV_INGRESS);
	add_set_mark(r, mark);
	add_value(r, (uint32_t)to);
	e = nft_rule_add(r, "fwd");
	nftnl_expr_set_u32(e, NFTNL_EXPR_FWD_SREG_DEV, NFT_REG_1);
	nft_put_rule(b, NFPROTO_NETDEV, r);
}

/* Whoever gets the frame shall not see the mark: it may be the host itself. */
static void put_guard(struct nl_batch *b, const char *table, const char *dev)
{
	_cleanup_free_ char *chain = xasprintf("%s_out", dev);
	struct nftnl_rule *ours = new_rule(table, chain), *others = new_rule(table, chain);

	put_chain(b, table, chain, dev, NF_NETDEV_EGRESS);
	add_has_mark(ours);
	add_set_mark(ours, no_mark);
	add_verdict(ours, NF_ACCEPT);
	nft_put_rule(b, NFPROTO_NETDEV, ours);
	nft_rule_add(others, "counter");
	add_verdict(others, NF_DROP);
	nft_put_rule(b, NFPROTO_NETDEV, others);
}

static int enter_table(struct net *n, const char *table, struct err *err)
{
	return ledger_intend(n->ledger, "nft-table", 0, table, err) ? 0 : -1;
}

static int confirm_table(struct net *n, const char *table, struct err *err)
{
	const struct ledger_item *item = ledger_find(n->ledger, "nft-table", table);

	n->has_fwd = true;
	return item ? ledger_done(n->ledger, item->id, 0, 0, err) : 0;
}

static int join(struct net *n, const char *table, const size_t *wires, size_t count,
		struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	_cleanup_free_ char *comment = xasprintf(LINK_OWNER "%s", n->spec->project);

	nl_batch_init(&b);
	nft_begin(&b);
	if (!n->has_fwd)
		nft_put_table(&b, table, comment);
	for (size_t i = 0; i < 2 * count; i++) {
		const struct net_end_spec *ends = n->spec->wires[wires[i / 2]].ends;
		const char *dev = ends[i % 2].host_ifname;

		fwd_put(&b, table, dev, n->wires[wires[i / 2]].index[!(i % 2)]);
		if (!n->no_guard)
			put_guard(&b, table, dev);
	}
	nft_end(&b);
	return nl_transact(n->nft, &b, NULL, err);
}

/* What a supervisor made that died before anybody knew of it. Since Linux 6.16 chains stay when their device goes, which was cleared away by now. */
static void take_back(struct net *n, const char *table, const size_t *wires, size_t count)
{
	n->has_fwd = n->has_fwd || net_has_table(n, table);
	for (size_t i = 0; i < count; i++)
		fwd_leave(n, wires[i]);
}

int fwd_join(struct net *n, const size_t *wires, size_t count, struct err *err)
{
	_cleanup_free_ char *table = fwd_table(n->spec);
	bool had = n->has_fwd;
	int rc;

	if (!had && enter_table(n, table, err))
		return -1;
	rc = join(n, table, wires, count, err);
	if (rc && err->sys == EEXIST) {
		take_back(n, table, wires, count);
		rc = join(n, table, wires, count, err);
	}
	/* Linux 5.16 and later, with CONFIG_NETFILTER_EGRESS: without it only those who speak on all links are heard. */
	if (rc && err->sys == EOPNOTSUPP && !n->no_guard) {
		n->no_guard = true;
		rc = join(n, table, wires, count, err);
	}
	if (rc)
		return err_wrap(err, "nftables table '%s'", table);
	return had ? 0 : confirm_table(n, table, err);
}

static void put_leave(struct nl_batch *b, const char *table, const char *chain)
{
	nft_message_of(b, NFPROTO_NETDEV, "delete rules", NFT_MSG_DELRULE, 0);
	nl_put_str(b, NFTA_RULE_TABLE, nft_table_name(table));
	nl_put_str(b, NFTA_RULE_CHAIN, chain);
	nft_message_of(b, NFPROTO_NETDEV, "delete chain", NFT_MSG_DELCHAIN, 0);
	nl_put_str(b, NFTA_CHAIN_TABLE, nft_table_name(table));
	nl_put_str(b, NFTA_CHAIN_NAME, chain);
}

/* Each by itself: the kernel has taken away those of a link that is gone, and one that is not there would undo the others. */
static void leave(struct net *n, const char *table, const char *chain)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	nft_begin(&b);
	put_leave(&b, table, chain);
	nft_end(&b);
	nl_transact(n->nft, &b, NULL, &(struct err){ 0 });
}

void fwd_leave(struct net *n, size_t wire)
{
	_cleanup_free_ char *table = fwd_table(n->spec);

	for (size_t i = 0; n->has_fwd && i < ARRAY_LEN(n->spec->wires[wire].ends); i++) {
		const char *dev = n->spec->wires[wire].ends[i].host_ifname;
		_cleanup_free_ char *guard = xasprintf("%s_out", dev);

		leave(n, table, dev);
		leave(n, table, guard);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fwd: the nftables table of a stack's wires: one chain at the ingress of each host end, with one
 * rule that hands every frame to the other host end. Called by wire.c, before either of them is
 * up: from then on no frame meets the host. The table is owned by our socket and goes with it;
 * without it a wire is silent, and nothing of it reaches the host but for the frames themselves.
 */
/* glibc's view of the addresses must come before the kernel's. */
#include <netinet/in.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "net/link.h"
#include "net/net.h"
#include "net/nft.h"

#define BODY_ROOM (4u << 10)

char *fwd_table(const struct net_spec *spec)
{
	return xasprintf(NFT_NETDEV "%s", spec->table);
}

/* Called like its device: names of ours are no words of nft. */
static void put_chain(struct nl_batch *b, const char *table, const char *dev)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct nlmsghdr *m;

	if (!c)
		abort();
	nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, nft_table_name(table));
	nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, dev);
	nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, "filter");
	nftnl_chain_set_str(c, NFTNL_CHAIN_DEV, dev);
	nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, NF_NETDEV_INGRESS);
	nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, 0);
	nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	nft_message_of(b, NFPROTO_NETDEV, "create chain", NFT_MSG_NEWCHAIN,
		       NLM_F_CREATE | NLM_F_EXCL);
	m = nl_message(b, BODY_ROOM);
	if (m) {
		nftnl_chain_nlmsg_build_payload(m, c);
		nl_sync(b);
	}
	nftnl_chain_free(c);
}

static struct nftnl_expr *expression(struct nftnl_rule *r, const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	if (!e)
		abort();
	nftnl_rule_add_expr(r, e);
	return e;
}

static void put_rule(struct nl_batch *b, const char *table, const char *from, int to)
{
	struct nftnl_rule *r = nftnl_rule_alloc();
	uint32_t index = (uint32_t)to;
	struct nftnl_expr *e;
	struct nlmsghdr *m;

	if (!r)
		abort();
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, nft_table_name(table));
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, from);
	e = expression(r, "immediate");
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, &index, sizeof(index));
	e = expression(r, "fwd");
	nftnl_expr_set_u32(e, NFTNL_EXPR_FWD_SREG_DEV, NFT_REG_1);
	nft_message_of(b, NFPROTO_NETDEV, "create rule", NFT_MSG_NEWRULE,
		       NLM_F_CREATE | NLM_F_APPEND);
	m = nl_message(b, BODY_ROOM);
	if (m) {
		nftnl_rule_nlmsg_build_payload(m, r);
		nl_sync(b);
	}
	nftnl_rule_free(r);
}

void fwd_put(struct nl_batch *b, const char *table, const char *from, int to)
{
	put_chain(b, table, from);
	put_rule(b, table, from, to);
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

int fwd_join(struct net *n, const size_t *wires, size_t count, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	_cleanup_free_ char *comment = xasprintf(LINK_OWNER "%s", n->spec->project);
	_cleanup_free_ char *table = fwd_table(n->spec);

	if (!n->has_fwd && enter_table(n, table, err))
		return -1;
	nl_batch_init(&b);
	nft_begin(&b);
	if (!n->has_fwd)
		nft_put_table(&b, table, comment);
	for (size_t i = 0; i < count; i++) {
		const struct net_end_spec *ends = n->spec->wires[wires[i]].ends;
		const int *index = n->wires[wires[i]].index;

		fwd_put(&b, table, ends[0].host_ifname, index[1]);
		fwd_put(&b, table, ends[1].host_ifname, index[0]);
	}
	nft_end(&b);
	if (nl_transact(n->nft, &b, NULL, err))
		return err_wrap(err, "nftables table '%s'", table);
	return n->has_fwd ? 0 : confirm_table(n, table, err);
}

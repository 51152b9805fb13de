/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drops: a chain with one rule for each device that loses packets: numgen random mod N < M drop. Called by impairing.c, and by
 * net.c at the end. Its chains stand before those that hand frames of wires on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "net/drops.h"
#include "net/link.h"
#include "net/net.h"
#include "net/nft.h"
#include "net/nftrule.h"

static char *full_name(const char *table)
{
	return xasprintf(NFT_NETDEV "%s", table);
}

/* Called like its device: names of ours are no words of nft. */
static void put_chain(struct nl_batch *b, const struct drops *d)
{
	nft_put_chain(b, &(struct nft_chain){ .family = NFPROTO_NETDEV,
					      .table = d->table,
					      .name = d->dev,
					      .type = "filter",
					      .dev = d->dev,
					      .hook = NF_NETDEV_INGRESS,
					      .priority = -10 });
}

/* Registers are compared byte by byte, so the number is turned into network order first. */
static void fill_rule(struct nftnl_rule *r, uint64_t loss)
{
	uint32_t bound = htonl((uint32_t)loss);
	struct nftnl_expr *e = nft_rule_add(r, "numgen");

	nftnl_expr_set_u32(e, NFTNL_EXPR_NG_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NG_TYPE, NFT_NG_RANDOM);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NG_MODULUS, IMPAIR_ALL);
	e = nft_rule_add(r, "byteorder");
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_LEN, sizeof(bound));
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SIZE, sizeof(bound));
	e = nft_rule_add(r, "cmp");
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, NFT_CMP_LT);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, &bound, sizeof(bound));
	nft_rule_add(r, "counter");
	e = nft_rule_add(r, "immediate");
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, NF_DROP);
}

static void put_rule(struct nl_batch *b, const struct drops *d, uint64_t loss)
{
	struct nftnl_rule *r = nft_rule_new(d->table, d->dev);

	fill_rule(r, loss);
	nft_put_rule(b, NFPROTO_NETDEV, r);
}

/* With its rule. */
static void put_no_chain(struct nl_batch *b, const struct drops *d)
{
	nft_message_of(b, NFPROTO_NETDEV, "delete chain", NFT_MSG_DELCHAIN, 0);
	nl_put_str(b, NFTA_CHAIN_TABLE, d->table);
	nl_put_str(b, NFTA_CHAIN_NAME, d->dev);
}

/* One that is there already stays as it is. */
static void put_table(struct nl_batch *b, const struct drops *d, const char *table)
{
	if (d->comment) {
		nft_put_table(b, table, d->comment);
	} else if (!d->there) {
		nft_message_of(b, NFPROTO_NETDEV, "create table", NFT_MSG_NEWTABLE, NLM_F_CREATE);
		nl_put_str(b, NFTA_TABLE_NAME, d->table);
	}
}

static int set(int fd, const struct drops *d, const struct impair *want, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	_cleanup_free_ char *table = full_name(d->table);
	uint64_t loss = want->value[IMPAIR_LOSS];

	nl_batch_init(&b);
	nft_begin(&b);
	put_table(&b, d, table);
	if (d->had)
		put_no_chain(&b, d);
	if (loss) {
		put_chain(&b, d);
		put_rule(&b, d, loss);
	}
	nft_end(&b);
	return nl_transact(fd, &b, NULL, err) ? err_wrap(err, "nftables '%s'", table) : 0;
}

/* A supervisor that dies before anybody knows what it has done leaves a chain that was not there, or none. */
int drops_set(int fd, const struct drops *d, const struct impair *want, struct err *err)
{
	struct drops other = *d;
	int rc = set(fd, d, want, err);

	if (rc == 0 || err->sys != (d->had ? ENOENT : EEXIST))
		return rc;
	other.had = !d->had;
	return set(fd, &other, want, err);
}

/* ---- the table of a stack -------------------------------------------------------------------- */

static char *stack_table(const struct net *n)
{
	return xasprintf("%s_loss", n->spec->table);
}

int drops_set_host(struct net *n, const struct drops *d, const struct impair *want, struct err *err)
{
	_cleanup_free_ char *name = stack_table(n), *table = full_name(name);
	_cleanup_free_ char *comment = xasprintf(LINK_OWNER "%s", n->spec->project);
	bool had = n->has_drops, there = had || net_has_table(n, table);
	struct drops ours = { .table = name,
			      .dev = d->dev,
			      .comment = there ? NULL : comment,
			      .there = there,
			      .had = d->had };
	uint32_t item = had ? 0 : ledger_intend(n->ledger, "nft-table", 0, table, err);

	if (!had && !item)
		return -1;
	if (drops_set(n->nft, &ours, want, err))
		return -1;
	if (had)
		return 0;
	n->has_drops = true;
	return ledger_done(n->ledger, item, 0, 0, err);
}

void drops_forgotten(struct net *n)
{
	_cleanup_free_ char *name = stack_table(n), *table = full_name(name);

	n->has_drops = n->has_drops || net_has_table(n, table);
}

void drops_down(struct net *n)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	_cleanup_free_ char *name = stack_table(n), *table = full_name(name);

	if (!n->has_drops)
		return;
	nl_batch_init(&b);
	nft_begin(&b);
	nft_put_delete(&b, table);
	nft_end(&b);
	nl_transact(n->nft, &b, NULL, NULL);
	n->has_drops = false;
}

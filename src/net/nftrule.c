/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nftrule: from libnftnl's objects to messages of a batch. Called by everything here that writes rules. libnftnl fails for want of
 * memory only, and then nothing else works either.
 */
/* glibc's view of the addresses must come before the kernel's. */
#include <netinet/in.h>

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "net/nft.h"
#include "net/nftrule.h"

/* libnftnl writes without looking; the longest rule of ours is a tenth of this. */
#define BODY_ROOM (8u << 10)

void nft_put_chain(struct nl_batch *b, const struct nft_chain *chain)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct nlmsghdr *m;

	if (!c)
		abort();
	nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, chain->table);
	nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, chain->name);
	if (chain->type) {
		nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, chain->type);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, chain->hook);
		nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, chain->priority);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	}
	if (chain->dev)
		nftnl_chain_set_str(c, NFTNL_CHAIN_DEV, chain->dev);
	nft_message_of(b, chain->family, "create chain", NFT_MSG_NEWCHAIN,
		       NLM_F_CREATE | NLM_F_EXCL);
	m = nl_message(b, BODY_ROOM);
	if (m) {
		nftnl_chain_nlmsg_build_payload(m, c);
		nl_sync(b);
	}
	nftnl_chain_free(c);
}

struct nftnl_rule *nft_rule_new(const char *table, const char *chain)
{
	struct nftnl_rule *r = nftnl_rule_alloc();

	if (!r)
		abort();
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, table);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, chain);
	return r;
}

struct nftnl_expr *nft_rule_add(struct nftnl_rule *r, const char *expr)
{
	struct nftnl_expr *e = nftnl_expr_alloc(expr);

	if (!e)
		abort();
	nftnl_rule_add_expr(r, e);
	return e;
}

void nft_put_rule_as(struct nl_batch *b, uint8_t family, const char *what, uint16_t type,
		     uint16_t flags, struct nftnl_rule *r)
{
	struct nlmsghdr *m;

	nft_message_of(b, family, what, type, flags);
	m = nl_message(b, BODY_ROOM);
	if (m) {
		nftnl_rule_nlmsg_build_payload(m, r);
		nl_sync(b);
	}
	nftnl_rule_free(r);
}

void nft_put_rule(struct nl_batch *b, uint8_t family, struct nftnl_rule *r)
{
	nft_put_rule_as(b, family, "create rule", NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, r);
}

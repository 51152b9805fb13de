/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nftrule: chains and rules in words of libnftnl, and the messages that carry them. What is in them is said by ruleset.c, fwd.c,
 * drops.c, nameport.c and foreign.c.
 */
#ifndef NET_NFTRULE_H
#define NET_NFTRULE_H

#include <stdint.h>

struct nl_batch;
struct nftnl_expr;
struct nftnl_rule;

/* All strings borrowed. With a type it hangs in a hook and accepts what no rule has judged; without it is jumped to. */
struct nft_chain {
	uint8_t family;
	const char *table, *name;
	const char *type; /* "filter", "nat"; NULL */
	const char *dev;  /* of the family netdev; else NULL */
	uint32_t hook;
	int32_t priority;
};

/* It must not be there yet. */
void nft_put_chain(struct nl_batch *b, const struct nft_chain *chain);

/* A rule without expressions; never NULL. nft_put_rule takes it. */
struct nftnl_rule *nft_rule_new(const char *table, const char *chain);
/* One more expression at its end; the rule's. */
struct nftnl_expr *nft_rule_add(struct nftnl_rule *r, const char *expr);
/* NFT_MSG_NEWRULE behind all others of its chain. */
void nft_put_rule(struct nl_batch *b, uint8_t family, struct nftnl_rule *r);
/* Another message about a rule, or in another place. */
void nft_put_rule_as(struct nl_batch *b, uint8_t family, const char *what, uint16_t type,
		     uint16_t flags, struct nftnl_rule *r);

#endif

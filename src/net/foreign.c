/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * foreign: looks into the tables of iptables-nft, writes rules there and takes them out. Called by beside.c, and by kinds.c
 * for what the ledger remembers. Changes nothing that does not bear our comment.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>

/* glibc's view of the addresses must come before the kernel's. */
#include <netinet/in.h>

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "net/foreign.h"
#include "net/nft.h"
#include "net/nftrule.h"

#define FORWARD	    "FORWARD"
#define DOCKER_USER "DOCKER-USER"

/* ---- looking --------------------------------------------------------------------------------- */

struct chains {
	bool drops;	      /* FORWARD of the table does */
	bool has_docker_user; /* FORWARD leads there */
	const char *except;
	void (*tell)(void *arg, const char *chain);
	void *arg;
};

static bool drops_forwarded(const struct nftnl_chain *c)
{
	const char *type = nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE);

	return type && !strcmp(type, "filter") && nftnl_chain_is_set(c, NFTNL_CHAIN_POLICY) &&
	       nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM) == NF_INET_FORWARD &&
	       nftnl_chain_get_u32(c, NFTNL_CHAIN_POLICY) == NF_DROP;
}

static bool is_iptables(const struct nftnl_chain *c)
{
	uint32_t family = nftnl_chain_get_u32(c, NFTNL_CHAIN_FAMILY);

	return (family == NFPROTO_IPV4 || family == NFPROTO_IPV6) &&
	       !strcmp(nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE), FOREIGN_TABLE) &&
	       !strcmp(nftnl_chain_get_str(c, NFTNL_CHAIN_NAME), FORWARD);
}

static void tell_dropper(struct chains *found, const struct nftnl_chain *c)
{
	static const struct {
		uint32_t family;
		const char *name;
	} families[] = {
		{ NFPROTO_IPV4, "ip" },
		{ NFPROTO_IPV6, "ip6" },
		{ NFPROTO_INET, "inet" },
		{ NFPROTO_BRIDGE, "bridge" },
	};
	const char *table = nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE);

	if (!strncmp(table, found->except, strlen(found->except)))
		return;
	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		_cleanup_free_ char *text = NULL;

		if (families[i].family != nftnl_chain_get_u32(c, NFTNL_CHAIN_FAMILY))
			continue;
		text = xasprintf("%s %s %s", families[i].name, table,
				 nftnl_chain_get_str(c, NFTNL_CHAIN_NAME));
		found->tell(found->arg, text);
	}
}

static void take_chain(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct chains *found = arg;

	(void)tag;
	if (c && !nftnl_chain_nlmsg_parse(m, c) && drops_forwarded(c)) {
		if (is_iptables(c))
			found->drops = true;
		else if (found->tell)
			tell_dropper(found, c);
	}
	nftnl_chain_free(c);
}

static int list_chains(int fd, uint8_t family, struct chains *found, struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct nl_sink sink = { .message = take_chain, .arg = found };

	nl_batch_init(&b);
	nft_message_of(&b, family, "list chains", NFT_MSG_GETCHAIN, NLM_F_DUMP);
	return nl_transact(fd, &b, &sink, err);
}

static int find_jump(struct nftnl_expr *e, void *arg)
{
	struct chains *found = arg;
	const char *chain;

	if (strcmp(nftnl_expr_get_str(e, NFTNL_EXPR_NAME), "immediate") ||
	    !nftnl_expr_is_set(e, NFTNL_EXPR_IMM_CHAIN))
		return 0;
	chain = nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN);
	found->has_docker_user |= !strcmp(chain, DOCKER_USER);
	return 0;
}

static void take_forward_rule(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	struct nftnl_rule *r = nftnl_rule_alloc();

	(void)tag;
	if (r && !nftnl_rule_nlmsg_parse(m, r))
		nftnl_expr_foreach(r, find_jump, arg);
	nftnl_rule_free(r);
}

static int list_rules(int fd, uint8_t family, const char *chain, const struct nl_sink *sink,
		      struct err *err)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	nl_batch_init(&b);
	nft_message_of(&b, family, "list rules", NFT_MSG_GETRULE, NLM_F_DUMP);
	nl_put_str(&b, NFTA_RULE_TABLE, FOREIGN_TABLE);
	nl_put_str(&b, NFTA_RULE_CHAIN, chain);
	nl_tolerate(&b, ENOENT);
	return nl_transact(fd, &b, sink, err);
}

int foreign_chain(int fd, uint8_t family, char ret_chain[FOREIGN_CHAIN_MAX], struct err *err)
{
	struct chains found = { 0 };
	struct nl_sink rules = { .message = take_forward_rule, .arg = &found };

	if (list_chains(fd, family, &found, err))
		return -1;
	if (!found.drops)
		return 1;
	if (list_rules(fd, family, FORWARD, &rules, err))
		return -1;
	snprintf(ret_chain, FOREIGN_CHAIN_MAX, "%s", found.has_docker_user ? DOCKER_USER : FORWARD);
	return 0;
}

int foreign_droppers(int fd, const char *except, void (*tell)(void *arg, const char *chain),
		     void *arg, struct err *err)
{
	struct chains found = { .except = except, .tell = tell, .arg = arg };

	return list_chains(fd, NFPROTO_UNSPEC, &found, err);
}

/* ---- what is ours ---------------------------------------------------------------------------- */

struct mark {
	const char *comment;
	bool found;
};

static int find_comment(const struct nftnl_udata *attr, void *arg)
{
	struct mark *mark = arg;
	size_t len = strlen(mark->comment) + 1;

	mark->found |= nftnl_udata_type(attr) == NFTNL_UDATA_RULE_COMMENT &&
		       nftnl_udata_len(attr) == len &&
		       !memcmp(nftnl_udata_get(attr), mark->comment, len);
	return 0;
}

bool foreign_is_ours(const struct nftnl_rule *r, const char *comment)
{
	struct mark mark = { .comment = comment };
	uint32_t len = 0;
	const void *data = nftnl_rule_get_data(r, NFTNL_RULE_USERDATA, &len);

	if (data)
		nftnl_udata_parse(data, len, find_comment, &mark);
	return mark.found;
}

struct handles {
	const char *comment;
	struct VEC(uint64_t) all;
};

static void take_ours(void *arg, const struct nlmsghdr *m, unsigned tag)
{
	struct nftnl_rule *r = nftnl_rule_alloc();
	struct handles *h = arg;

	(void)tag;
	if (r && !nftnl_rule_nlmsg_parse(m, r) && foreign_is_ours(r, h->comment))
		vec_push(&h->all, nftnl_rule_get_u64(r, NFTNL_RULE_HANDLE));
	nftnl_rule_free(r);
}

int foreign_list(int fd, uint8_t family, const char *chain, const char *comment, uint64_t **ret,
		 size_t *ret_n, struct err *err)
{
	struct handles h = { .comment = comment };
	struct nl_sink sink = { .message = take_ours, .arg = &h };

	if (list_rules(fd, family, chain, &sink, err)) {
		vec_fini(&h.all);
		return -1;
	}
	*ret = h.all.v;
	*ret_n = h.all.n;
	return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void set_comment(struct nftnl_rule *r, const char *comment)
{
	struct nftnl_udata_buf *data = nftnl_udata_buf_alloc(NFTNL_UDATA_COMMENT_MAXLEN * 2);

	if (!data)
		abort();
	nftnl_udata_put_strz(data, NFTNL_UDATA_RULE_COMMENT, comment);
	nftnl_rule_set_data(r, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(data),
			    nftnl_udata_buf_len(data));
	nftnl_udata_buf_free(data);
}

/* Counted, as every rule of iptables is. */
static void put_one(struct nl_batch *b, uint8_t family, const char *chain, uint32_t key,
		    const char *ifname, const char *comment)
{
	struct nftnl_rule *r = nft_rule_new(FOREIGN_TABLE, chain);
	struct nftnl_expr *e = nft_rule_add(r, "meta");
	char name[IFNAMSIZ] = "";

	snprintf(name, sizeof(name), "%s", ifname);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
	e = nft_rule_add(r, "cmp");
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, name, sizeof(name));
	nft_rule_add(r, "counter");
	e = nft_rule_add(r, "immediate");
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, NF_ACCEPT);
	set_comment(r, comment);
	/* Without APPEND it comes first. */
	nft_put_rule_as(b, family, "accept in " FOREIGN_TABLE, NFT_MSG_NEWRULE, NLM_F_CREATE, r);
}

void foreign_put_accept(struct nl_batch *b, uint8_t family, const char *chain, const char *ifname,
			const char *comment)
{
	put_one(b, family, chain, NFT_META_IIFNAME, ifname, comment);
	put_one(b, family, chain, NFT_META_OIFNAME, ifname, comment);
}

void foreign_put_delete(struct nl_batch *b, uint8_t family, const char *chain, uint64_t handle)
{
	struct nftnl_rule *r = nft_rule_new(FOREIGN_TABLE, chain);

	nftnl_rule_set_u64(r, NFTNL_RULE_HANDLE, handle);
	nft_put_rule_as(b, family, "delete rule", NFT_MSG_DELRULE, 0, r);
}

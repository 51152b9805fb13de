/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * foreign and beside: whose chain is the right one, whose rule is whose, and that nothing but ours is taken out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

/* glibc's view of the addresses must come before the kernel's. */
#include <netinet/in.h>

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "net/beside.h"
#include "net/foreign.h"
#include "net/nft.h"
#include "world.h"

static void put_table(struct nl_batch *b, uint8_t family, const char *name)
{
	nft_message_of(b, family, "table", NFT_MSG_NEWTABLE, NLM_F_CREATE);
	nl_put_str(b, NFTA_TABLE_NAME, name);
}

/* With a policy it hangs in the hook of what is forwarded. */
static void put_chain(struct nl_batch *b, uint8_t family, const char *table, const char *name,
		      int policy)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct nlmsghdr *m;

	nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, table);
	nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, name);
	if (policy >= 0) {
		nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, "filter");
		nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, NF_INET_FORWARD);
		nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, 0);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, (uint32_t)policy);
	}
	nft_message_of(b, family, "chain", NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	m = nl_message(b, 4096);
	nftnl_chain_nlmsg_build_payload(m, c);
	nl_sync(b);
	nftnl_chain_free(c);
}

static void put_jump(struct nl_batch *b, uint8_t family, const char *from, const char *to)
{
	struct nftnl_expr *e = nftnl_expr_alloc("immediate");
	struct nftnl_rule *r = nftnl_rule_alloc();
	struct nlmsghdr *m;

	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, FOREIGN_TABLE);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, from);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)NFT_JUMP);
	nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, to);
	nftnl_rule_add_expr(r, e);
	nft_message_of(b, family, "rule", NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	m = nl_message(b, 4096);
	nftnl_rule_nlmsg_build_payload(m, r);
	nl_sync(b);
	nftnl_rule_free(r);
}

static void commit(int fd, struct nl_batch *b)
{
	struct err err = { 0 };

	nft_end(b);
	if (nl_transact(fd, b, NULL, &err))
		fail_msg("%s", err.text);
	nl_batch_fini(b);
}

static void begin(struct nl_batch *b)
{
	nl_batch_init(b);
	nft_begin(b);
}

static void firewall(int fd, int policy)
{
	struct nl_batch b;

	begin(&b);
	put_table(&b, NFPROTO_IPV4, FOREIGN_TABLE);
	put_chain(&b, NFPROTO_IPV4, FOREIGN_TABLE, "FORWARD", policy);
	put_chain(&b, NFPROTO_IPV4, FOREIGN_TABLE, "DOCKER-USER", -1);
	commit(fd, &b);
}

static void remove_table(int fd, uint8_t family, const char *name)
{
	struct nl_batch b;

	begin(&b);
	nft_message_of(&b, family, "delete", NFT_MSG_DELTABLE, 0);
	nl_put_str(&b, NFTA_TABLE_NAME, name);
	commit(fd, &b);
}

static void accept_in(int fd, const char *chain, const char *ifname, const char *comment)
{
	struct nl_batch b;

	begin(&b);
	foreign_put_accept(&b, NFPROTO_IPV4, chain, ifname, comment);
	commit(fd, &b);
}

static size_t count(int fd, const char *chain, const char *comment)
{
	_cleanup_free_ uint64_t *handles = NULL;
	struct err err = { 0 };
	size_t n = 0;

	if (foreign_list(fd, NFPROTO_IPV4, chain, comment, &handles, &n, &err))
		fail_msg("%s", err.text);
	return n;
}

static void test_which_chain(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, NULL);
	char chain[FOREIGN_CHAIN_MAX];
	struct err err = { 0 };
	struct nl_batch b;

	(void)state;
	assert_int_equal(foreign_chain(fd, NFPROTO_IPV4, chain, &err), 1);
	firewall(fd, NF_ACCEPT);
	assert_int_equal(foreign_chain(fd, NFPROTO_IPV4, chain, &err), 1);
	firewall(fd, NF_DROP);
	assert_int_equal(foreign_chain(fd, NFPROTO_IPV4, chain, &err), 0);
	assert_string_equal(chain, "FORWARD");
	assert_int_equal(foreign_chain(fd, NFPROTO_IPV6, chain, &err), 1);
	begin(&b);
	put_jump(&b, NFPROTO_IPV4, "FORWARD", "DOCKER-USER");
	commit(fd, &b);
	assert_int_equal(foreign_chain(fd, NFPROTO_IPV4, chain, &err), 0);
	assert_string_equal(chain, "DOCKER-USER");
	remove_table(fd, NFPROTO_IPV4, FOREIGN_TABLE);
}

/* By the whole comment: a project whose name begins with ours is somebody else. */
static void test_whose(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, NULL);

	(void)state;
	assert_int_equal(count(fd, "FORWARD", "mstack:demo"), 0);
	firewall(fd, NF_DROP);
	accept_in(fd, "FORWARD", "mstk1", "mstack:demo");
	accept_in(fd, "FORWARD", "mstk2", "mstack:demo2");
	assert_int_equal(count(fd, "FORWARD", "mstack:demo"), 2);
	assert_int_equal(count(fd, "FORWARD", "mstack:demo2"), 2);
	assert_int_equal(count(fd, "FORWARD", "mstack:dem"), 0);
	assert_int_equal(count(fd, "DOCKER-USER", "mstack:demo"), 0);
	remove_table(fd, NFPROTO_IPV4, FOREIGN_TABLE);
}

static void test_ledger(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, NULL);
	struct world *w = *state;
	struct err err = { 0 };

	firewall(fd, NF_DROP);
	accept_in(fd, "DOCKER-USER", "mstk1", "mstack:demo");
	accept_in(fd, "DOCKER-USER", "mstk2", "mstack:demo2");
	/* A ledger that was lost: found, entered, undone; and then there is nothing. */
	assert_int_equal(beside_find("demo", NULL, &err), 1);
	assert_int_equal(beside_find("demo", w->ledger, &err), 1);
	world_undo(w);
	assert_int_equal(count(fd, "DOCKER-USER", "mstack:demo"), 0);
	assert_int_equal(count(fd, "DOCKER-USER", "mstack:demo2"), 2);
	assert_int_equal(beside_find("demo", w->ledger, &err), 0);
	remove_table(fd, NFPROTO_IPV4, FOREIGN_TABLE);
}

/* A key whose chain, or whose table, has gone meanwhile. */
static void test_gone(void **state)
{
	struct world *w = *state;
	struct err err = { 0 };

	assert_int_not_equal(
		ledger_intend(w->ledger, beside_kind.name, 0, "ip6 FORWARD demo", &err), 0);
	assert_int_not_equal(ledger_intend(w->ledger, beside_kind.name, 0, "nonsense", &err), 0);
	world_undo(w);
}

static void take_dropper(void *arg, const char *chain)
{
	struct buf *said = arg;

	buf_printf(said, "%s;", chain);
}

static void test_droppers(void **state)
{
	_cleanup_fd_ int fd = nl_socket(NETLINK_NETFILTER, NULL);
	struct buf said = { 0 };
	struct err err = { 0 };
	struct nl_batch b;

	(void)state;
	firewall(fd, NF_DROP);
	begin(&b);
	put_table(&b, NFPROTO_INET, "site");
	put_chain(&b, NFPROTO_INET, "site", "through", NF_DROP);
	put_chain(&b, NFPROTO_INET, "site", "open", NF_ACCEPT);
	put_table(&b, NFPROTO_INET, "mstk_demo");
	put_chain(&b, NFPROTO_INET, "mstk_demo", "forward", NF_DROP);
	commit(fd, &b);
	assert_int_equal(foreign_droppers(fd, "mstk_", take_dropper, &said, &err), 0);
	assert_string_equal(buf_str(&said), "inet site through;");
	buf_fini(&said);
	remove_table(fd, NFPROTO_IPV4, FOREIGN_TABLE);
	remove_table(fd, NFPROTO_INET, "site");
	remove_table(fd, NFPROTO_INET, "mstk_demo");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_which_chain, world_reset),
		cmocka_unit_test_setup(test_whose, world_reset),
		cmocka_unit_test_setup(test_ledger, world_reset),
		cmocka_unit_test_setup(test_gone, world_reset),
		cmocka_unit_test_setup(test_droppers, world_reset),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* carryfields: every field of a state is in its table, and comes out as it went in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sup/reexec.h"

static struct carry *through(struct carry *c)
{
	_cleanup_fd_ int fd = carry_write(c, NULL);
	struct carry *again = carry_read(fd, NULL);

	assert_non_null(again);
	carry_free(c);
	return again;
}

/*
 * All bytes of `from` are 1, and come over but those of a policy and those between fields, which nobody counts by name. Who adds a
 * field meets this number: it goes into the table of carryfields.c, or begins anew in the next program, and then into the number.
 */
static void assert_all(enum sup_fields which, size_t size, size_t policy_at, size_t policy_size,
		       size_t others)
{
	unsigned char from[1024], to[1024] = { 0 };
	struct carry *c = carry_new();
	size_t missing = 0;

	assert_true(size <= sizeof(from));
	memset(from, 1, sizeof(from));
	sup_fields_carry(which, from, c);
	c = through(c);
	sup_fields_resume(which, to, c);
	carry_free(c);
	for (size_t i = 0; i < size; i++)
		missing += !to[i] && (i < policy_at || i >= policy_at + policy_size);
	assert_int_equal(missing, others);
}

static void test_all(void **state)
{
	(void)state;
	assert_all(FIELDS_SVC, sizeof(struct svc), offsetof(struct svc, policy),
		   sizeof(struct svc_policy), 7);
	assert_all(FIELDS_HEALTH, sizeof(struct svc_health), offsetof(struct svc_health, policy),
		   sizeof(struct svc_health_policy), 6);
}

static void test_values(void **state)
{
	struct svc from = { .state = SVC_BACKOFF,
			    .want_up = true,
			    .restarts = 7,
			    .delay_ms = UINT64_C(1) << 40,
			    .last_status = 0x8b },
		   to = { .policy.max_restarts = 5 };
	struct carry *c = carry_new();

	(void)state;
	sup_fields_carry(FIELDS_SVC, &from, c);
	c = through(c);
	sup_fields_resume(FIELDS_SVC, &to, c);
	carry_free(c);
	assert_int_equal(to.state, SVC_BACKOFF);
	assert_true(to.want_up && !to.paused);
	assert_int_equal(to.restarts, 7);
	assert_true(to.delay_ms == UINT64_C(1) << 40);
	assert_int_equal(to.last_status, 0x8b);
	assert_int_equal(to.policy.max_restarts, 5);
	/* From a program that knew none of it: all stays as it begins. */
	c = carry_new();
	sup_fields_resume(FIELDS_SVC, &to, c);
	carry_free(c);
	assert_int_equal(to.restarts, 7);
}

/* A command of `pre_start` that has ended well is not run once more. */
static void test_steps(void **state)
{
	struct sup_slot from = { .stepping.at = 2 }, to = { 0 };
	struct carry *c = carry_new();

	(void)state;
	sup_fields_carry(FIELDS_SLOT, &from, c);
	c = through(c);
	sup_fields_resume(FIELDS_SLOT, &to, c);
	carry_free(c);
	assert_int_equal(to.stepping.at, 2);
}

static void test_cause(void **state)
{
	struct sup_cause from = { .why = WHY_SIGNAL, .program = "systemd", .pid = 5, .signo = 15 };
	struct sup_cause to = { 0 };
	struct carry *c = carry_new();

	(void)state;
	sup_cause_carry(&from, c);
	c = through(c);
	sup_cause_resume(&to, c);
	carry_free(c);
	assert_int_equal(to.why, WHY_SIGNAL);
	assert_string_equal(to.program, "systemd");
	assert_string_equal(to.what, "");
	assert_int_equal(to.pid, 5);
	assert_int_equal(to.signo, 15);
}

static void test_facts(void **state)
{
	struct net_prefix prefixes[2] = { { .dev = "eth0" }, { .dev = "eth1" } };
	struct net_facts from = {
		.prefixes = prefixes, .n_prefixes = 2, .mtu = 1400, .has_default = true
	};
	struct net_facts to = { 0 };
	struct carry *c = carry_new();

	(void)state;
	assert_true(ip_net_parse("192.0.2.0/24", &prefixes[0].net));
	assert_true(ip_net_parse("2001:db8::/32", &prefixes[1].net));
	sup_facts_carry(&from, c);
	c = through(c);
	sup_facts_resume(c, &to);
	carry_free(c);
	assert_int_equal(to.n_prefixes, 2);
	assert_int_equal(to.mtu, 1400);
	assert_true(to.has_default);
	assert_string_equal(to.prefixes[1].dev, "eth1");
	assert_string_equal(ip_net_text(&to.prefixes[0].net).text, "192.0.2.0/24");
	assert_string_equal(ip_net_text(&to.prefixes[1].net).text, "2001:db8::/32");
	free(to.prefixes);
}

static struct ip ip_of(const char *text)
{
	struct ip ip = { 0 };

	assert_true(ip_parse(text, &ip));
	return ip;
}

/* A name may be there twice: of one that is gone, and of the one that came for it. */
static void test_bridges(void **state)
{
	const struct ip peers[] = { ip_of("192.0.2.7"), ip_of("192.0.2.8") };
	const struct net_tunnel tunnel = { .ifname = "mx1",
					   .alias = "mstack:t:x",
					   .vni = 77,
					   .port = 4790,
					   .dev = "up0",
					   .peers = peers,
					   .n_peers = 2 };
	struct net_bridge_spec bridges[] = {
		{ .kind = NET_LAN_MACVLAN,
		  .ifname = "up0",
		  .altname = "t_lan",
		  .mode = 1,
		  .line = 4,
		  .gone = true },
		{ .ifname = "mstk1",
		  .altname = "t_far",
		  .internal = true,
		  .routed = true,
		  .isolated = true,
		  .vlans = true,
		  .mtu = 1400,
		  .tunnel = &tunnel,
		  .n_subnets = 2 },
	};
	const struct net_spec from = { .bridges = bridges, .n_bridges = 2 };
	struct arena *arena = arena_new();
	struct carry *c = carry_new();
	struct net_spec to = { 0 };
	const struct net_bridge_spec *b;

	(void)state;
	assert_true(ip_net_parse("10.1.0.0/24", &bridges[1].subnets[0].net));
	assert_true(ip_net_parse("fd00::/64", &bridges[1].subnets[1].net));
	bridges[1].subnets[0].gateway = ip_of("10.1.0.1");
	sup_bridges_carry(&from, c);
	c = through(c);
	sup_bridges_resume(c, arena, &to);
	assert_int_equal(to.n_bridges, 2);
	b = &to.bridges[0];
	assert_true(b->gone && b->kind == NET_LAN_MACVLAN && b->mode == 1 && b->line == 4 &&
		    !b->tunnel);
	assert_string_equal(b->altname, "t_lan");
	b = &to.bridges[1];
	assert_true(!b->gone && b->internal && b->routed && b->isolated && b->vlans &&
		    b->mtu == 1400);
	assert_string_equal(b->ifname, "mstk1");
	assert_int_equal(b->n_subnets, 2);
	assert_memory_equal(b->subnets, bridges[1].subnets, sizeof(b->subnets));
	assert_true(b->tunnel->vni == 77 && b->tunnel->port == 4790 && b->tunnel->n_peers == 2);
	assert_true(ip_equal(&b->tunnel->peers[1], &peers[1]));
	assert_string_equal(b->tunnel->dev, "up0");
	assert_string_equal(b->tunnel->alias, "mstack:t:x");
	carry_free(c);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),    cmocka_unit_test(test_bridges),
		cmocka_unit_test(test_values), cmocka_unit_test(test_steps), cmocka_unit_test(test_cause),
		cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

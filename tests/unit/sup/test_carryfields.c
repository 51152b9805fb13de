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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_cause),
		cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

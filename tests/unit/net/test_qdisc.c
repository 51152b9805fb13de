/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qdisc: the messages, attribute by attribute as tc-netem(8) and tc-tbf(8) would send them; no kernel is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "net/qdisc.h"

#define NETEM_PRNG_SEED 14

static struct impair impair(const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	struct impair im = { 0 };
	char *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		char *value = strchr(word, '=');

		assert_non_null(value);
		*value++ = 0;
		assert_int_equal(impair_parse(impair_find(word), value, &im, &(struct err){ 0 }),
				 0);
	}
	return im;
}

static const struct nlmsghdr *first(const struct nl_batch *b)
{
	assert_false(b->overflow);
	return (const struct nlmsghdr *)b->data;
}

static const struct nlattr *attr_of(const struct nlmsghdr *m, uint16_t type)
{
	const struct nlattr *a;

	mnl_attr_for_each(a, m, sizeof(struct tcmsg)) if (mnl_attr_get_type(a) == type) return a;
	return NULL;
}

/* The attribute of the options, behind so many plain bytes. */
static const struct nlattr *option(const struct nl_batch *b, size_t plain, uint16_t type)
{
	const struct nlattr *options = attr_of(first(b), TCA_OPTIONS), *attr;

	assert_non_null(options);
	mnl_attr_for_each_payload((void *)((char *)mnl_attr_get_payload(options) + plain),
				  mnl_attr_get_payload_len(options) - plain)
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

static void expect_head(const struct nl_batch *b, uint32_t parent, uint32_t handle,
			const char *kind)
{
	const struct nlmsghdr *m = first(b);
	const struct tcmsg *head = mnl_nlmsg_get_payload(m);

	assert_int_equal(m->nlmsg_type, RTM_NEWQDISC);
	/* Also where there is one: then its values change, and what waits in it stays. */
	assert_int_equal(m->nlmsg_flags & (NLM_F_CREATE | NLM_F_REPLACE | NLM_F_EXCL),
			 NLM_F_CREATE | NLM_F_REPLACE);
	assert_int_equal(head->tcm_ifindex, 7);
	assert_int_equal(head->tcm_parent, parent);
	assert_int_equal(head->tcm_handle, handle);
	assert_string_equal(mnl_attr_get_str(attr_of(m, TCA_KIND)), kind);
}

static uint64_t number(const struct nl_batch *b, uint16_t type)
{
	const struct nlattr *a = option(b, sizeof(struct tc_netem_qopt), type);

	assert_non_null(a);
	return mnl_attr_get_u64(a);
}

static void expect_pair(const struct nl_batch *b, uint16_t type, uint32_t one, uint32_t two)
{
	const struct nlattr *a = option(b, sizeof(struct tc_netem_qopt), type);
	uint32_t pair[2];

	assert_non_null(a);
	memcpy(pair, mnl_attr_get_payload(a), sizeof(pair));
	assert_int_equal(pair[0], one);
	assert_int_equal(pair[1], two);
}

static void test_netem(void **state)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct impair im =
		impair("delay=20ms,jitter=5ms 25%,loss=1% 50%,corrupt=0.1% 10%,duplicate=2%,"
		       "reorder=25% 50%,rate=10mbit,seed=42");
	const struct nlattr *corr;
	struct tc_netem_qopt opt;

	(void)state;
	nl_batch_init(&b);
	qdisc_put_netem(&b, 7, &im);
	expect_head(&b, 0x4d530001, 0x4d540000, "netem");
	memcpy(&opt, mnl_attr_get_payload(attr_of(first(&b), TCA_OPTIONS)), sizeof(opt));
	assert_int_equal(opt.latency, 312500); /* ticks of 64 ns */
	assert_int_equal(opt.jitter, 78125);
	assert_int_equal(opt.loss, 42949673);
	assert_int_equal(opt.duplicate, 85899346);
	assert_int_equal(opt.gap, 1);
	assert_int_equal(opt.limit, 1000 + 834 * 25000 / 1000000);
	assert_int_equal(number(&b, TCA_NETEM_LATENCY64), 20000000);
	assert_int_equal(number(&b, TCA_NETEM_JITTER64), 5000000);
	assert_int_equal(number(&b, TCA_NETEM_RATE64), 1250000);
	assert_int_equal(number(&b, NETEM_PRNG_SEED), 42);
	expect_pair(&b, TCA_NETEM_REORDER, 1073741824, 2147483648u);
	expect_pair(&b, TCA_NETEM_CORRUPT, 4294967, 429496730);
	corr = option(&b, sizeof(opt), TCA_NETEM_CORR);
	assert_int_equal(mnl_attr_get_payload_len(corr), sizeof(struct tc_netem_corr));
	expect_pair(&b, TCA_NETEM_CORR, 1073741824, 2147483648u);
}

/* An attribute that is left out keeps the value that it had, so none is. */
static void test_all_values(void **state)
{
	static const uint16_t always[] = { TCA_NETEM_CORR,    TCA_NETEM_REORDER,
					   TCA_NETEM_CORRUPT, TCA_NETEM_RATE,
					   TCA_NETEM_RATE64,  TCA_NETEM_LATENCY64,
					   TCA_NETEM_JITTER64 };
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct impair im = impair("loss=0");

	(void)state;
	nl_batch_init(&b);
	qdisc_put_netem(&b, 7, &im);
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		assert_non_null(option(&b, sizeof(struct tc_netem_qopt), always[i]));
	assert_int_equal(number(&b, TCA_NETEM_RATE64), 0);
	assert_null(option(&b, sizeof(struct tc_netem_qopt), NETEM_PRNG_SEED));
}

static void expect_table(const char *text, double low, double high)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct impair im = impair(text);
	const struct nlattr *a;
	const int16_t *table;
	double sum = 0, squares = 0;
	size_t n;

	nl_batch_init(&b);
	qdisc_put_netem(&b, 7, &im);
	a = option(&b, sizeof(struct tc_netem_qopt), TCA_NETEM_DELAY_DIST);
	assert_non_null(a);
	table = mnl_attr_get_payload(a);
	n = mnl_attr_get_payload_len(a) / sizeof(*table);
	assert_int_equal(n, 4096);
	for (size_t i = 0; i < n; i++) {
		sum += table[i] / 8192.0;
		squares += table[i] / 8192.0 * (table[i] / 8192.0);
		assert_true(!i || table[i] >= table[i - 1]);
	}
	assert_true(sum / (double)n < 0.001 && sum / (double)n > -0.001);
	assert_true(squares / (double)n > low && squares / (double)n < high);
}

/* Variance: a third of the square of the half width, and one. Quartile of the normal one: 0.6745. */
static void test_distributions(void **state)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	struct impair im = impair("delay=1ms,jitter=1ms,distribution=normal");
	const int16_t *table;

	(void)state;
	expect_table("delay=1ms,jitter=1ms", 0.333, 0.334);
	expect_table("delay=1ms,jitter=1ms,distribution=normal", 0.99, 1.01);
	nl_batch_init(&b);
	qdisc_put_netem(&b, 7, &im);
	table = mnl_attr_get_payload(
		option(&b, sizeof(struct tc_netem_qopt), TCA_NETEM_DELAY_DIST));
	assert_in_range(table[3072], 5520, 5532);
	assert_int_equal(table[0], -table[4095]);
	assert_in_range(table[4095], 30000, 30100); /* 3.669 */
}

static void expect_bucket(const struct nl_batch *b, uint64_t rate, uint32_t burst, uint32_t limit)
{
	const struct nlattr *parms = option(b, 0, TCA_TBF_PARMS);
	struct tc_tbf_qopt opt;

	assert_non_null(parms);
	memcpy(&opt, mnl_attr_get_payload(parms), sizeof(opt));
	/* Otherwise a table of 256 costs has to come along. */
	assert_int_equal(opt.rate.linklayer, TC_LINKLAYER_ETHERNET);
	assert_int_equal(opt.limit, limit);
	assert_int_equal(mnl_attr_get_u64(option(b, 0, TCA_TBF_RATE64)), rate);
	assert_int_equal(mnl_attr_get_u32(option(b, 0, TCA_TBF_BURST)), burst);
}

static void test_frames(void **state)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };

	(void)state;
	nl_batch_init(&b);
	qdisc_put_frames(&b, 7, 1500);
	expect_head(&b, TC_H_ROOT, 0x4d530000, "tbf");
	/* One frame with two VLAN tags: what is longer was sent as several. */
	expect_bucket(&b, UINT64_C(12500000000), 1522, 1 << 20);
}

static void test_rate(void **state)
{
	static const struct {
		const char *text;
		uint64_t rate;
		uint32_t burst, limit;
	} cases[] = {
		{ "rate=10mbit", 1250000, 5000, 62500 },
		{ "rate=100kbit", 12500, 2 * 1522, 32 * 1522 },
		{ "rate=1gbit", 125000000, 500000, 6250000 },
		{ "rate=1mbit,limit=10", 125000, 2 * 1522, 15220 },
		{ "rate=1tbit", UINT64_C(125000000000), 500000000, 1 << 30 },
		{ "rate=1mbit,limit=1000000", 125000, 2 * 1522, 1 << 30 },
		{ "rate=1bit", 1, 2 * 1522, 32 * 1522 },
		{ "loss=1%", UINT64_C(12500000000), 50000000, 625000000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
		struct impair im = impair(cases[i].text);

		nl_batch_init(&b);
		qdisc_put_rate(&b, 7, 1500, &im);
		expect_head(&b, 0x4d530001, 0x4d540000, "tbf");
		expect_bucket(&b, cases[i].rate, cases[i].burst, cases[i].limit);
	}
}

static void test_limit(void **state)
{
	static const struct {
		const char *text;
		uint32_t limit;
	} cases[] = {
		{ "loss=1%", 1000 },	     { "delay=40ms", 41000 },
		{ "delay=10s", 100000 },     { "delay=40ms,rate=10mbit", 1033 },
		{ "delay=40ms,limit=7", 7 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct impair im = impair(cases[i].text);

		assert_int_equal(qdisc_limit(&im), cases[i].limit);
	}
}

static void test_delete(void **state)
{
	_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
	const struct tcmsg *head;

	(void)state;
	nl_batch_init(&b);
	qdisc_put_delete(&b, 7);
	assert_int_equal(first(&b)->nlmsg_type, RTM_DELQDISC);
	head = mnl_nlmsg_get_payload(first(&b));
	/* With the handle: a queue that somebody else has put there stays. */
	assert_int_equal(head->tcm_handle, 0x4d530000);
	assert_int_equal(head->tcm_parent, TC_H_ROOT);
}

/* What we send looks like what the kernel answers. */
static void test_seed(void **state)
{
	static const struct {
		const char *text;
		int has;
	} cases[] = { { "loss=1%", 0 }, { "loss=1%,seed=3", 1 } };
	_cleanup_(nl_batch_fini) struct nl_batch other = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(nl_batch_fini) struct nl_batch b = { 0 };
		struct impair im = impair(cases[i].text);

		nl_batch_init(&b);
		qdisc_put_netem(&b, 7, &im);
		assert_int_equal(qdisc_has_seed(first(&b)), cases[i].has);
	}
	nl_batch_init(&other);
	qdisc_put_frames(&other, 7, 1500);
	assert_int_equal(qdisc_has_seed(first(&other)), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_netem),	      cmocka_unit_test(test_all_values),
		cmocka_unit_test(test_distributions), cmocka_unit_test(test_frames),
		cmocka_unit_test(test_rate),	      cmocka_unit_test(test_limit),
		cmocka_unit_test(test_delete),	      cmocka_unit_test(test_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* impair: values with their units, how they are written again, what goes together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "mstack/base.h"
#include <cmocka.h>

static void test_values(void **state)
{
	static const struct {
		const char *key, *text;
		uint64_t value;
		uint32_t correlation;
		const char *written;
	} cases[] = {
		{ "delay", "20ms", 20000000, 0, "20ms" },
		{ "delay", "20msec", 20000000, 0, "20ms" },
		{ "delay", "1500us", 1500000, 0, "1.5ms" },
		{ "delay", ".5s", 500000000, 0, "500ms" },
		{ "delay", "1.25s", 1250000000, 0, "1.25s" },
		{ "delay", "1.05MS", 1050000, 0, "1.05ms" },
		{ "delay", "7ns", 7, 0, "7ns" },
		{ "delay", "0", 0, 0, "0" },
		{ "delay", "0ms", 0, 0, "0" },
		{ "delay", "3600s", UINT64_C(3600000000000), 0, "3600s" },
		{ "jitter", "5ms 25%", 5000000, 25000000, "5ms 25%" },
		{ "jitter", "5ms  25% ", 5000000, 25000000, "5ms 25%" },
		{ "distribution", "uniform", IMPAIR_UNIFORM, 0, "uniform" },
		{ "distribution", "normal", IMPAIR_NORMAL, 0, "normal" },
		{ "loss", "1%", 1000000, 0, "1%" },
		{ "loss", "0.10%", 100000, 0, "0.1%" },
		{ "loss", "100%", 100000000, 0, "100%" },
		{ "loss", "0.000001%", 1, 0, "0.000001%" },
		{ "loss", "1% 25.5%", 1000000, 25500000, "1% 25.5%" },
		{ "loss", "0", 0, 0, "0%" },
		{ "corrupt", "0.1%", 100000, 0, "0.1%" },
		{ "duplicate", "2%", 2000000, 0, "2%" },
		{ "reorder", "25% 50%", 25000000, 50000000, "25% 50%" },
		{ "rate", "10mbit", 10000000, 0, "10mbit" },
		{ "rate", "10Mbit", 10000000, 0, "10mbit" },
		{ "rate", "1.5gbit", 1500000000, 0, "1.5gbit" },
		{ "rate", "512kbit", 512000, 0, "512kbit" },
		{ "rate", "1kibit", 1024, 0, "1.024kbit" },
		{ "rate", "8bit", 8, 0, "8bit" },
		{ "limit", "1000", 1000, 0, "1000" },
		{ "seed", "42", 42, 0, "42" },
		{ "seed", "0", 0, 0, "0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum impair_key key = impair_find(cases[i].key);
		_cleanup_(buf_fini) struct buf b = { 0 };
		struct err err = { 0 };
		struct impair im = { 0 };

		assert_int_equal(impair_parse(key, cases[i].text, &im, &err), 0);
		assert_int_equal(im.value[key], cases[i].value);
		assert_int_equal(im.correlation[key], cases[i].correlation);
		assert_int_equal(im.given, IMPAIR_BIT(key));
		impair_value_text(&im, key, &b);
		assert_string_equal(buf_str(&b), cases[i].written);
	}
}

static void test_wrong(void **state)
{
	static const struct {
		const char *key, *text, *why;
	} cases[] = {
		{ "delay", "", "'': write like 20ms, up to 3600s" },
		{ "delay", "20", "write like 20ms" },
		{ "delay", "20 ms", "write like 20ms" },
		{ "delay", "ms", "write like 20ms" },
		{ "delay", "-1ms", "write like 20ms" },
		{ "delay", "20ms x", "write like 20ms" },
		{ "delay", "20ms 5%", "write like 20ms" },
		{ "delay", "2h", "write like 20ms" },
		{ "delay", "3601s", "up to 3600s" },
		{ "delay", "99999999999999999999s", "up to 3600s" },
		{ "delay", "0.5ns", "write like 20ms" },
		{ "delay", "0.0000000001s", "write like 20ms" },
		{ "jitter", "5ms 101%", "or with a correlation behind it" },
		{ "jitter", "5ms 5", "or with a correlation behind it" },
		{ "jitter", "5ms 5% 5%", "or with a correlation behind it" },
		{ "distribution", "pareto", "'pareto': write uniform or normal" },
		{ "loss", "1", "'1': write like 1%, or with a correlation behind it, up to 100%" },
		{ "loss", "101%", "up to 100%" },
		{ "loss", "0.0000001%", "write like 1%" },
		{ "loss", "nan%", "write like 1%" },
		{ "rate", "10", "'10': write like 10mbit, up to 1tbit" },
		{ "rate", "10mbps", "up to 1tbit (bps are bytes to tc)" },
		{ "rate", "2tbit", "up to 1tbit" },
		{ "limit", "1.5", "write like 1000" },
		{ "limit", "1000001", "up to 1000000" },
		{ "seed", "x", "write like 42" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = { 0 };
		struct impair im = { 0 };

		assert_int_equal(impair_parse(impair_find(cases[i].key), cases[i].text, &im, &err),
				 -1);
		assert_non_null(strstr(err.text, cases[i].why));
		assert_int_equal(im.given, 0);
	}
	assert_int_equal(impair_find("lag"), IMPAIR_KEYS);
}

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

static void expect_text(const struct impair *im, const char *want)
{
	_cleanup_(buf_fini) struct buf b = { 0 };

	impair_text(im, &b);
	assert_string_equal(buf_str(&b), want);
}

static void test_together(void **state)
{
	struct impair im = impair("loss=1% 25%,delay=20ms,rate=10mbit");
	struct impair over = impair("loss=0%,jitter=2ms,distribution=normal,seed=0");

	(void)state;
	expect_text(&im, "delay=20ms loss=1% 25% rate=10mbit");
	impair_merge(&im, &over);
	expect_text(&im, "delay=20ms jitter=2ms distribution=normal rate=10mbit seed=0");
	over = impair("delay=0,jitter=0,rate=0");
	impair_merge(&im, &over);
	assert_false(impair_is_set(&im));
	expect_text(&im, "");
	im = impair("distribution=normal,limit=5,seed=1");
	expect_text(&im, "");
}

static void test_sense(void **state)
{
	static const struct {
		const char *text, *why; /* why: "" when it makes sense */
		bool netem;
	} cases[] = {
		{ "loss=1%", "", false },
		{ "rate=1mbit,loss=1%", "", false },
		{ "loss=1% 5%", "", true },
		{ "delay=1ms", "", true },
		{ "corrupt=1%", "", true },
		{ "duplicate=1%", "", true },
		{ "delay=1ms,jitter=5ms", "", true },
		{ "delay=1ms,reorder=5%", "", true },
		{ "jitter=5ms", "jitter: needs a delay", true },
		{ "reorder=5%,rate=1mbit", "reorder: needs a delay", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct impair im = impair(cases[i].text);
		struct err err = { 0 };

		assert_int_equal(impair_check(&im, &err), *cases[i].why ? -1 : 0);
		assert_non_null(strstr(err.text, cases[i].why));
		assert_int_equal(impair_needs_netem(&im), cases[i].netem);
		assert_true(impair_is_set(&im));
	}
}

static void test_possible(void **state)
{
	static const struct {
		struct impair_facts facts;
		const char *text, *why;
	} cases[] = {
		{ { .queues = true, .netem = true }, "delay=1ms,loss=1%", "" },
		{ { .queues = true, .loss = true }, "loss=1%,rate=1mbit", "" },
		{ { 0 }, "limit=5,seed=3", "" },
		{ { .netem = true }, "loss=1%", "modprobe -a sch_tbf sch_netem" },
		{ { .queues = true, .loss = true },
		  "loss=1% 5%",
		  "loss: this kernel has no netem, which a correlation needs: modprobe sch_netem" },
		{ { .queues = true, .loss = true },
		  "corrupt=1%",
		  "corrupt: this kernel has no netem" },
		{ { .queues = true, .loss = true },
		  "duplicate=1%",
		  "duplicate: this kernel has no" },
		{ { .queues = true }, "loss=1%", "neither netem nor nftables' numgen" },
		{ { .queues = true }, "rate=1mbit", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct impair im = impair(cases[i].text);
		struct err err = { 0 };

		assert_int_equal(impair_possible(&cases[i].facts, &im, &err),
				 *cases[i].why ? -1 : 0);
		assert_non_null(strstr(err.text, cases[i].why));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),	 cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_together), cmocka_unit_test(test_sense),
		cmocka_unit_test(test_possible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

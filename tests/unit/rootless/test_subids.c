/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * subids: a user gets the own ranges and nothing else, whatever stands in the file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "rootless/subids.h"
#include <cmocka.h>

static void expect(const char *text, const char *name, uid_t uid, const char *wanted)
{
	_cleanup_(buf_fini) struct buf got = { 0 };
	struct subids s;

	subids_parse(text, name, uid, &s);
	for (size_t i = 0; i < s.n; i++)
		buf_printf(&got, "%s%u+%u", i ? " " : "", s.v[i].first, s.v[i].count);
	if (strcmp(buf_str(&got), wanted) != 0)
		fail_msg("'%s' gave '%s' instead of '%s'", text, buf_str(&got), wanted);
}

static void test_ranges(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "", "" },
		{ "ann:100000:65536\n", "100000+65536" },
		{ "ann:100000:65536", "100000+65536" },
		/* By number as well, and several. */
		{ "1000:100000:65536\n", "100000+65536" },
		{ "ann:100000:10\nbob:200000:10\n1000:300000:20\n", "100000+10 300000+20" },
		/* Somebody else's. */
		{ "bob:100000:65536\n", "" },
		{ "anna:100000:65536\nan:200000:65536\n:300000:1\n", "" },
		{ "10000:100000:65536\n100:100000:65536\n", "" },
		/* The same ones twice, by name and by number, or a part of them. */
		{ "ann:100000:65536\n1000:100000:65536\n", "100000+65536" },
		{ "ann:100000:10\nann:100009:10\nann:100010:10\nann:99990:11\n",
		  "100000+10 100010+10" },
		/* No ranges. */
		{ "ann:100000:0\n", "" },
		{ "ann\nann:\nann:1\nann:1:\nann::1\nann:x:1\nann:1:x\nann:-1:5\nann: 1:5\n", "" },
		{ "ann:1:2:3\n", "" },
		{ "# ann:100000:65536\n\n\n", "" },
		/* The highest number is no id. */
		{ "ann:4294967294:1\n", "4294967294+1" },
		{ "ann:4294967295:1\n", "" },
		{ "ann:4294967294:2\n", "" },
		{ "ann:99999999999:1\n", "" },
		{ "ann:1:4294967295\nann:1:10\n", "1+10" },
		{ "ann:1:4294967294\n", "1+4294967294" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect(cases[i].text, "ann", 1000, cases[i].wanted);
}

static void test_without_name(void **state)
{
	(void)state;
	expect("ann:100000:65536\n:1:1\n1000:300000:20\n", NULL, 1000, "300000+20");
}

/* More than a map can hold are left out, not written beyond its end. */
static void test_many(void **state)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	struct subids s;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		buf_printf(&text, "ann:%u:5\n", 100000 + 10 * i);
	subids_parse(buf_str(&text), "ann", 1000, &s);
	assert_int_equal(s.n, SUBIDS_MAX);
	assert_int_equal(subids_total(&s), 5 * SUBIDS_MAX);
}

/* It is split where the own id is, and what comes behind it keeps its order. */
static void test_own_id_in_a_range(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "", "" },
		{ "ann:2000:10\n", "2000+10" },
		{ "ann:990:10\nann:1001:10\n", "990+10 1001+10" },
		{ "ann:900:200\nann:5000:5\n", "900+100 1001+99 5000+5" },
		{ "ann:1000:10\nann:5000:5\n", "1001+9 5000+5" },
		{ "ann:991:10\nann:5000:5\n", "991+9 5000+5" },
		{ "ann:1000:1\nann:5000:5\n", "5000+5" },
		{ "ann:1000:1\n", "" },
	};
	_cleanup_(buf_fini) struct buf text = { 0 };
	struct subids s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(buf_fini) struct buf got = { 0 };

		subids_parse(cases[i].text, "ann", 1000, &s);
		subids_leave_out(&s, 1000);
		for (size_t k = 0; k < s.n; k++)
			buf_printf(&got, "%s%u+%u", k ? " " : "", s.v[k].first, s.v[k].count);
		assert_string_equal(buf_str(&got), cases[i].wanted);
	}
	for (unsigned i = 0; i < SUBIDS_MAX; i++)
		buf_printf(&text, "ann:%u:5\n", 100000 + 10 * i);
	subids_parse(buf_str(&text), "ann", 1000, &s);
	subids_leave_out(&s, 100000 + 10 * (SUBIDS_MAX - 1) + 2);
	assert_int_equal(s.n, SUBIDS_MAX);
	assert_int_equal(subids_total(&s), 5 * SUBIDS_MAX - 3);
	subids_leave_out(&s, 100002);
	assert_int_equal(s.n, SUBIDS_MAX);
	assert_int_equal(s.v[1].first, 100003);
}

/* Nobody's: behind all that would take something of it, in any order, in both files. */
static void test_nobodys(void **state)
{
	static const struct {
		const char *one, *other;
		uint32_t wanted;
	} cases[] = {
		{ "", "", 100000 },
		{ "ann:100000:65536\n", "ann:100000:65536\n", 165536 },
		{ "ann:100000:65536\n", "", 165536 },
		{ "", "ann:100000:65536\n", 165536 },
		{ "ann:100000:65536\n", "ann:165536:65536\n", 231072 },
		{ "b:165536:65536\na:100000:65536", "c:231072:1\n", 231073 },
		/* What ends before, begins behind, or leaves enough between. */
		{ "a:99999:1\nb:165536:10\n", "x\nx:1\n:y:z\n", 100000 },
		{ "a:99999:2\nb:165536:10\n", "", 165546 },
		{ "a:1:4294967294\n", "", 0 },
		{ "a:9999999999:9999999999\n", "", 100000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(subids_free(cases[i].one, cases[i].other), cases[i].wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_without_name),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_own_id_in_a_range),
		cmocka_unit_test(test_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * passwd: a user has the name, the group and the home of the first whole line with the own number, and of no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "rootless/passwd.h"
#include <cmocka.h>

static void expect(const char *text, const char *wanted)
{
	_cleanup_(passwd_entry_fini) struct passwd_entry e = { 0 };
	_cleanup_free_ char *got = NULL;

	got = passwd_parse(text, 1000, &e) ? xasprintf("%s %u %s", e.name, e.gid, e.home)
					   : xstrdup("nobody");
	if (strcmp(got, wanted) != 0)
		fail_msg("'%s' gave '%s' instead of '%s'", text, got, wanted);
}

static void test_lines(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "", "nobody" },
		{ "ann:x:1000:100:Ann:/home/ann:/bin/sh\n", "ann 100 /home/ann" },
		{ "ann:x:1000:100:Ann:/home/ann:/bin/sh", "ann 100 /home/ann" },
		{ "root:x:0:0:root:/root:/bin/sh\nann:x:1000:100::/home/ann:\n",
		  "ann 100 /home/ann" },
		{ "ann:x:1000:100::/one:\nbob:x:1000:200::/two:\n", "ann 100 /one" },
		{ "ann:x:1000:100:::\n", "ann 100 " },
		/* Other numbers that look like it. */
		{ "ann:x:10000:100::/home/ann:\nbob:x:100:100::/home/bob:\n", "nobody" },
		{ "ann:x:-1000:100::/home/ann:\nbob:x: 1000:100::/home/bob:\n", "nobody" },
		{ "ann:x:4294968296:100::/home/ann:\n", "nobody" },
		/* Lines that are no lines: the next one counts. */
		{ "ann:x:1000\nbob:x:1000:5::/b:\n", "bob 5 /b" },
		{ "ann:x:1000:100:Ann:/home/ann\n", "nobody" },
		{ "ann:x:1000:100:Ann:/home/ann:/bin/sh:more\n", "nobody" },
		{ "ann:x:1000:staff:Ann:/home/ann:/bin/sh\n", "nobody" },
		{ "ann:x:1000:4294967295:Ann:/home/ann:/bin/sh\n", "nobody" },
		{ "\n\n:\n::::::\n", "nobody" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect(cases[i].text, cases[i].wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

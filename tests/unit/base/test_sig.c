/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sig: names and numbers of signals, there and back.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "mstack/base.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int sig;
	} cases[] = {
		{ "SIGTERM", SIGTERM },
		{ "term", SIGTERM },
		{ "Term", SIGTERM },
		{ "sigterm", SIGTERM },
		{ "15", 15 },
		{ "KILL", 9 },
		{ "USR1", SIGUSR1 },
		{ "WINCH", SIGWINCH },
		{ "QUIT", 3 },
		{ "1", 1 },
		{ "64", 64 },
		{ "RTMIN", 34 },
		{ "SIGRTMIN+3", 37 },
		{ "rtmax-14", 50 },
		{ "SIGRTMAX", 64 },
		{ "POLL", SIGIO },
		{ "SIGCLD", SIGCHLD },
		{ "iot", SIGABRT },
		{ "", -1 },
		{ "0", -1 },
		{ "65", -1 },
		{ "-1", -1 },
		{ "9x", -1 },
		{ "99999999999999", -1 },
		{ "SIG", -1 },
		{ "SIGNOPE", -1 },
		{ "SIGSIGTERM", -1 },
		{ "nal 32", -1 },
		{ "signal 32", -1 },
		{ "SIGRTMIN+16", -1 },
		{ "TERM ", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (sig_parse(cases[i].text) != cases[i].sig)
			fail_msg("'%s' gave %d", cases[i].text, sig_parse(cases[i].text));
}

/* All that the C library knows has our name, and every name leads back to its number. */
static void test_all_there_and_back(void **state)
{
	char name[32];

	(void)state;
	for (int sig = 1; sig <= 64; sig++) {
		const char *known = sigabbrev_np(sig);

		/* The one that has two names; ours is the first in signal(7). */
		if (known && sig != SIGIO) {
			snprintf(name, sizeof(name), "SIG%s", known);
			assert_string_equal(sig_name(sig), name);
		}
		if (sig != 32 && sig != 33)
			assert_int_equal(sig_parse(sig_name(sig)), sig);
	}
	assert_string_equal(sig_name(32), "signal 32");
	assert_string_equal(sig_name(0), "unknown signal");
	assert_string_equal(sig_name(-5), "unknown signal");
	assert_string_equal(sig_name(65), "unknown signal");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_all_there_and_back),
	};

	return cmocka_run_group_tests_name("sig", tests, NULL, NULL);
}

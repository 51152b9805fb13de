/* SPDX-License-Identifier: GPL-2.0-or-later */
/* level: how many ids a map has, and what is said of a process in a user namespace of its own. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/base.h"
#include "mstack/base_level.h"
#include <cmocka.h>

static void test_count(void **state)
{
	static const struct {
		const char *map;
		uint32_t ids;
	} cases[] = {
		{ "         0          0 4294967295\n", 4294967295 },
		{ "0 1000 1\n", 1 },
		{ "0 1000 1\n1 100000 65536\n", 65537 },
		{ "1 100000 65536\n0 1000 1\n", 65537 },
		{ "10 5 10\n5 100 5\n0 1000 5\n", 20 },
		{ "0 1000 1\n2 100000 65536\n", 1 },
		{ "1 100000 65536\n", 0 },
		{ "0 0 4294967295\n4294967295 7 1\n", 4294967295 },
		{ "", 0 },
		{ "rubbish", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(level_count_ids(cases[i].map), cases[i].ids);
}

static void test_same(void **state)
{
	static const struct {
		const char *map;
		uint32_t ids;
		const char *same;
	} cases[] = {
		{ "0 1000 1\n", 1, "0 0 1\n" },
		{ "0 1000 1\n1 100000 65536\n", 65536, "0 0 1\n1 1 65535\n" },
		{ "0 1000 1\n1 100000 65536\n", 1, "0 0 1\n" },
		{ "1 100000 9\n0 1000 1\n", 4, "1 1 3\n0 0 1\n" },
		{ "0 0 4294967295\n", 65536, "0 0 65536\n" },
		{ "", 1, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(buf_fini) struct buf b = { 0 };

		level_same_ids(cases[i].map, cases[i].ids, &b);
		assert_string_equal(buf_str(&b), cases[i].same);
	}
}

/* What a child finds behind `unshare --user`, before and after it has a map of one id. */
static void look(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	struct level l;
	char map[32];

	if (unshare(CLONE_NEWUSER) < 0)
		_exit(77);
	l = level_get();
	if (!l.nested || l.ids)
		_exit(1);
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (file_put(AT_FDCWD, "/proc/self/setgroups", "deny") < 0 ||
	    file_put(AT_FDCWD, "/proc/self/uid_map", map) < 0)
		_exit(2);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	if (file_put(AT_FDCWD, "/proc/self/gid_map", map) < 0)
		_exit(3);
	l = level_get();
	_exit(l.nested && l.ids == 1 && !l.groups ? 0 : 4);
}

static void test_below(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid)
		look();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("skipped: this machine allows no user namespaces\n");
		skip();
	}
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

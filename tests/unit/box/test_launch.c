/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of what is resolved before a clone: options, PATH, sysctls, limits. Needs no rights.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "box/launch.h"

static const char *const lower[] = { "/image/top", "/image/base" };
static const char *const argv[] = { "tool", "--flag", NULL };
static const char *const envp[] = { "HOME=/", "PATH=/a::b:/c/", NULL };
static const struct sock_fprog no_filter;

static struct box_spec plain(void)
{
	return (struct box_spec){ .lower = lower, .n_lower = 2, .argv = argv, .envp = envp };
}

static struct launch *must(const struct box_spec *spec)
{
	struct err err;
	struct launch *l = launch_new(spec, &no_filter, &err);

	if (!l)
		fail_msg("%s", err.text);
	return l;
}

static void expect_refusal(const struct box_spec *spec, const char *text)
{
	struct err err;

	assert_null(launch_new(spec, &no_filter, &err));
	assert_string_equal(err.text, text);
}

static void test_defaults(void **state)
{
	struct box_spec spec = plain();
	struct launch *l = must(&spec);

	(void)state;
	assert_string_equal(l->overlay_options, "lowerdir=0:1,upperdir=up/upper,workdir=up/work");
	assert_null(l->upper_base);
	assert_null(l->covers[0]);
	assert_string_equal(l->cwd, "/");
	assert_string_equal(l->shm_size, "67108864");
	launch_free(l);
}

static const struct {
	const char *upper, *work, *base, *options;
} uppers[] = {
	{ "/x/y/upper", "/x/y/work", "/x/y",
	  "lowerdir=0:1,upperdir=up/upper,workdir=up/work,volatile" },
	{ "/x/a/b", "/x/w", "/x", "lowerdir=0:1,upperdir=up/a/b,workdir=up/w,volatile" },
	{ "/one", "/two", "/", "lowerdir=0:1,upperdir=up/one,workdir=up/two,volatile" },
	{ "/x/a,b:c\\", "/x/a,b", "/x",
	  "lowerdir=0:1,upperdir=up/a\\,b\\:c\\\\,workdir=up/a\\,b,volatile" },
};

static void test_uppers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(uppers); i++) {
		struct box_spec spec = plain();
		struct launch *l;

		spec.upper = uppers[i].upper;
		spec.work = uppers[i].work;
		l = must(&spec);
		assert_string_equal(l->upper_base, uppers[i].base);
		assert_string_equal(l->overlay_options, uppers[i].options);
		launch_free(l);
	}
}

static void test_search(void **state)
{
	static const char *const expected[] = { "/a/tool", "./tool", "b/tool", "/c//tool" };
	struct box_spec spec = plain();
	struct launch *l = must(&spec);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		assert_string_equal(l->command.candidates[i], expected[i]);
	assert_null(l->command.candidates[ARRAY_LEN(expected)]);
	assert_string_equal(l->command.searched, "/a::b:/c/");
	launch_free(l);
}

static void test_no_search(void **state)
{
	static const char *const by_path[] = { "./tool", NULL };
	static const char *const no_path[] = { NULL };
	static const char *const nothing[] = { NULL };
	struct box_spec spec = plain();
	struct launch *l;

	(void)state;
	spec.argv = by_path;
	l = must(&spec);
	assert_string_equal(l->command.candidates[0], "./tool");
	assert_null(l->command.candidates[1]);
	assert_null(l->command.searched);
	launch_free(l);
	spec = plain();
	spec.envp = no_path;
	l = must(&spec);
	assert_string_equal(l->command.candidates[0], "/usr/local/sbin/tool");
	launch_free(l);
	spec.argv = nothing;
	expect_refusal(&spec, "the command is empty");
}

static const struct {
	const char *key, *path;
} sysctls[] = {
	{ "net.core.somaxconn", "net/core/somaxconn" },
	{ "net.ipv4.conf.eth0/7.forwarding", "net/ipv4/conf/eth0.7/forwarding" },
	{ "net/ipv4/conf/eth0.7/forwarding", "net/ipv4/conf/eth0.7/forwarding" },
	{ "kernel.shmmax", "kernel/shmmax" },
	{ "kernel.shm_rmid_forced", "kernel/shm_rmid_forced" },
	{ "kernel.sem", "kernel/sem" },
	{ "fs.mqueue.msg_max", "fs/mqueue/msg_max" },
	{ "kernel.hostname", NULL },
	{ "kernel.semantics", NULL },
	{ "kernel.core_pattern", NULL },
	{ "vm.swappiness", NULL },
	{ "fs.file-max", NULL },
	{ "network.x", NULL },
	{ "net/../kernel/core_pattern", NULL },
	{ "net//x", NULL },
	{ "/net/x", NULL },
	{ "", NULL },
};

static void test_sysctls(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sysctls); i++) {
		struct box_sysctl s = { .key = sysctls[i].key, .value = "1", .line = 12 };
		struct box_spec spec = plain();
		struct err err = { 0 };
		struct launch *l;

		spec.sysctls = &s;
		spec.n_sysctls = 1;
		l = launch_new(&spec, &no_filter, &err);
		if (!l != !sysctls[i].path)
			fail_msg("sysctl '%s': %s", s.key, err.text);
		if (l)
			assert_string_equal(l->sysctls[0].path, sysctls[i].path);
		else
			assert_int_equal(err.line, 12);
		launch_free(l);
	}
}

static void test_limits(void **state)
{
	static const struct box_rlimit own = { RLIMIT_CORE, 5, 6, 3 };
	struct box_spec spec = plain();
	struct launch *l;

	(void)state;
	spec.rlimits = &own;
	spec.n_rlimits = 1;
	l = must(&spec);
	assert_int_equal(l->n_rlimits, 3);
	assert_int_equal(l->rlimits[2].resource, RLIMIT_CORE);
	assert_int_equal(l->rlimits[2].hard, 6);
	assert_true(l->rlimits[0].soft <= l->rlimits[0].hard);
	launch_free(l);
}

/* The hard limit that stands in, RLIM_INFINITY where there is none of that name. */
static rlim_t hard(const struct launch *l, int resource)
{
	for (size_t i = 0; i < l->n_rlimits; i++)
		if (l->rlimits[i].resource == resource)
			return l->rlimits[i].hard;
	return RLIM_INFINITY;
}

static void test_stand_in(void **state)
{
	static const struct box_rlimit own = { RLIMIT_NPROC, 7, 7, 3 };
	static const struct {
		struct box_limits limits;
		unsigned controllers;
		bool own;
		rlim_t memory, processes;
	} cases[] = {
		{ { .memory_max = 1 << 26, .pids_max = 20 },
		  0,
		  false,
		  RLIM_INFINITY,
		  RLIM_INFINITY },
		{ { .memory_max = 1 << 26, .pids_max = 20 },
		  BOX_WANT_MEMORY,
		  false,
		  1 << 26,
		  RLIM_INFINITY },
		{ { .memory_max = 1 << 26, .pids_max = 20 },
		  BOX_WANT_PIDS,
		  false,
		  RLIM_INFINITY,
		  20 },
		{ { 0 }, BOX_WANT_MEMORY | BOX_WANT_PIDS, false, RLIM_INFINITY, BOX_PIDS_DEFAULT },
		{ { .pids_max = -1 },
		  BOX_WANT_MEMORY | BOX_WANT_PIDS,
		  false,
		  RLIM_INFINITY,
		  RLIM_INFINITY },
		{ { .pids_max = 20 }, BOX_WANT_PIDS, true, RLIM_INFINITY, 7 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct box_spec spec = plain();
		struct launch *l;

		spec.rlimits = &own;
		spec.n_rlimits = cases[i].own;
		l = must(&spec);
		launch_stand_in(l, &cases[i].limits, cases[i].controllers);
		assert_true(hard(l, RLIMIT_AS) == cases[i].memory);
		assert_true(hard(l, RLIMIT_NPROC) == cases[i].processes);
		assert_true(hard(l, RLIMIT_CORE) == 0);
		launch_free(l);
	}
}

static void test_covers(void **state)
{
	static const char *const more[] = { "/var/lib/mstack", NULL };
	struct box_spec spec = plain();
	struct launch *l;

	(void)state;
	spec.host_root = true;
	spec.covers = more;
	l = must(&spec);
	assert_string_equal(l->covers[0], "/root");
	assert_string_equal(l->covers[1], "/home");
	assert_string_equal(l->covers[2], "/var/lib/mstack");
	assert_null(l->covers[3]);
	launch_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_uppers),
		cmocka_unit_test(test_search),	 cmocka_unit_test(test_no_search),
		cmocka_unit_test(test_sysctls),	 cmocka_unit_test(test_limits),
		cmocka_unit_test(test_stand_in), cmocka_unit_test(test_covers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

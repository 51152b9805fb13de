/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ledger: over an execve it is held without a gap, what is in it is known, and it is written on; who only looks cannot write. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/ledger/scratch.h"
#include "unit/reexec.h"

static const struct ledger_kind *const *const kinds[] = { ledger_kinds, NULL };

enum { MADE = 3 };

/* Another process asks for the lock: 1 somebody has it, and that is us. */
static bool is_ours(const char *path)
{
	pid_t us = getpid(), pid = fork();

	if (!pid) {
		struct ledger *l = ledger_open(path, false, kinds, NULL);
		pid_t owner = 0;

		_exit(l && ledger_lock(l, 0, &owner, NULL) == 1 && owner == us ? 0 : 1);
	}
	return code_of(pid) == 0;
}

/* The program that takes over: exit codes say what was wrong. */
static int go_on(struct carry *root)
{
	bool look_only = carry_num(root, "look", 0);
	struct ledger *l = ledger_resume(root, look_only, kinds, NULL);
	const char *path = carry_text(root, "path");

	if (!l)
		return 1;
	if (!ledger_find(l, "folder", "/a") || ledger_find(l, "folder", "/b"))
		return 2;
	if (look_only)
		return 0;
	if (!is_ours(path))
		return 3;
	if (ledger_intend(l, "folder", 0, "/c", NULL) != MADE)
		return 4;
	return is_ours(path) ? 0 : 5;
}

static void enter(struct ledger *l)
{
	uint32_t a = ledger_intend(l, "folder", 0, "/a", NULL);
	uint32_t b = ledger_intend(l, "folder", 0, "/b", NULL);

	if (!a || !b || ledger_done(l, a, 1, 2, NULL) < 0 || ledger_gone(l, b, NULL) < 0)
		_exit(97);
}

static void test_goes_on(void **state)
{
	struct scratch *s = *state;
	struct ledger *l;
	pid_t pid = fork();

	if (!pid) {
		struct carry *root = carry_new();

		l = scratch_ledger(s, kinds);
		enter(l);
		ledger_carry(l, root);
		reexec(root);
	}
	assert_int_equal(code_of(pid), 0);
	l = scratch_ledger(s, kinds);
	assert_non_null(ledger_find(l, "folder", "/a"));
	assert_non_null(ledger_find(l, "folder", "/c"));
	ledger_close(l);
}

static void test_only_looks(void **state)
{
	struct scratch *s = *state;
	struct ledger *l = scratch_ledger(s, kinds);
	pid_t pid;

	enter(l);
	pid = fork();
	if (!pid) {
		struct carry *root = carry_new();

		ledger_carry(l, root);
		carry_put_num(root, "look", 1);
		reexec(root);
	}
	assert_int_equal(code_of(pid), 0);
	/* That it opened and closed the file did nothing to our lock. */
	assert_true(is_ours(s->path));
	ledger_close(l);
}

/* The lock of somebody who is not our own process is not taken for ours. */
static void test_refused(void **state)
{
	struct scratch *s = *state;
	struct ledger *l = scratch_ledger(s, kinds);
	struct err err = { 0 };
	pid_t pid;

	enter(l);
	pid = fork();
	if (!pid) {
		struct carry *root = carry_new();

		ledger_carry(l, root);
		reexec(root);
	}
	assert_int_equal(code_of(pid), 1);
	ledger_close(l);
	{
		struct carry *none = carry_new();

		assert_null(ledger_resume(none, false, kinds, &err));
		assert_non_null(strstr(err.text, "not carried over"));
		carry_free(none);
	}
}

int main(int argc, char **argv)
{
	struct carry *root = resumed(argc, argv);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_goes_on, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_only_looks, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_refused, scratch_make, scratch_remove),
	};

	if (root)
		_exit(go_on(root)); /* what it has in memory goes with it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}

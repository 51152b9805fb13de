/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ungrouped: a process that stands in a ledger is ended by undoing that, one that only has its number is not.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/ungrouped.h"
#include "mstack/box.h"

static const struct ledger_kind *const *const kinds[] = { box_ledger_kinds, NULL };

struct scene {
	struct ledger *ledger;
	pid_t pid;
};

static int begin(void **state)
{
	static struct scene s;

	s.ledger = ledger_scratch(kinds, &(struct err){ 0 });
	s.pid = fork();
	if (!s.pid)
		for (;;)
			pause();
	*state = &s;
	return s.ledger && s.pid > 0 ? 0 : -1;
}

static int end(void **state)
{
	struct scene *s = *state;

	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	ledger_close(s->ledger);
	return 0;
}

static bool lives(const struct scene *s)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)s->pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && !si.si_pid;
}

static void test_undone(void **state)
{
	struct scene *s = *state;
	struct err err = { 0 };
	uint32_t item = ungrouped_enter(s->ledger, s->pid, &err);

	assert_true(item);
	assert_int_equal(ledger_there(s->ledger, ledger_next(s->ledger, UNGROUPED_KIND, NULL)), 1);
	assert_int_equal(ledger_undo(s->ledger, 5000, NULL, NULL, &err), 0);
	assert_false(lives(s));
	assert_null(ledger_next(s->ledger, NULL, NULL));
}

/* The number has become another's, or the one that began is not known: whoever it is now is left alone. */
static void test_another(void **state)
{
	struct scene *s = *state;
	struct err err = { 0 };
	char key[16];

	snprintf(key, sizeof(key), "%d", (int)s->pid);
	for (uint64_t when = 0; when < 2; when++) {
		uint32_t item = ledger_intend(s->ledger, UNGROUPED_KIND, 0, key, &err);

		assert_int_equal(ledger_done(s->ledger, item, when, 0, &err), 0);
		assert_int_equal(ledger_undo(s->ledger, 5000, NULL, NULL, &err), 0);
		assert_true(lives(s));
	}
}

/* Nobody can kill what has ended, and who should reap it may take its time. */
static void test_ended(void **state)
{
	struct scene *s = *state;
	struct err err = { 0 };

	assert_true(ungrouped_enter(s->ledger, s->pid, &err));
	kill(s->pid, SIGKILL);
	while (lives(s))
		usleep(1000);
	assert_int_equal(ledger_there(s->ledger, ledger_next(s->ledger, UNGROUPED_KIND, NULL)), -1);
	assert_int_equal(ledger_undo(s->ledger, 5000, NULL, NULL, &err), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = { T(test_undone), T(test_another), T(test_ended) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

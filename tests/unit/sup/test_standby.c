/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * standby: supervisor, guard and standby as processes, without anything of a stack but a ledger with one file in it: who of them undoes that, when
 * which of them die.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sup/guarding.h"
#include "sup/keeping.h"
#include "unit/sup/life.h"

enum { WHILE_MS = 200, TEST_S = 60 };

struct crew {
	pid_t sup, guard, standby, holder;
};

/* HELD: somebody else has what the standby hears the end of guards by, so it ends by a guard's word only. */
enum with { GUARD = 1, RELEASED = 2, KEPT = 4, HELD = 8 };

static void mark_path(char *ret, size_t size)
{
	snprintf(ret, size, "%s/run/t/mark", life_dir);
}

static bool is_undone(void)
{
	_cleanup_free_ char *ledger = sup_ledger_path("t");
	char mark[96];

	mark_path(mark, sizeof(mark));
	return access(mark, F_OK) < 0 && access(ledger, F_OK) < 0;
}

/* The file of the stack is there, and in its ledger. */
static int make_stack(struct sup *s, struct err *err)
{
	char mark[96];
	uint32_t item;

	mark_path(mark, sizeof(mark));
	s->ledger = sup_ledger_open("t", true, 0, err);
	item = s->ledger ? ledger_intend(s->ledger, "file", 0, mark, err) : 0;
	return item && file_replace(AT_FDCWD, mark, "", 0, 0600) == 0
		       ? ledger_done_path(s->ledger, item, err)
		       : -1;
}

static _Noreturn void supervise(unsigned with, int tell)
{
	struct stack stack = { .name = "t", .keep = with & KEPT };
	struct sup_opts opts = { .stack = &stack };
	struct sup_model model = { .stack = &stack };
	struct sup s = { .opts = &opts,
			 .model = &model,
			 .guard_fd = -1,
			 .self_fd = (int)syscall(SYS_pidfd_open, getpid(), 0),
			 .handing.sock = -1,
			 .standby = { .fd = -1, .own = -1, .guards = -1 } };
	struct err err = { 0 };
	struct crew crew;
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* of a test that fails nothing is left either */
	rc = make_stack(&s, &err);
	if (!rc)
		rc = with & GUARD ? sup_guard_start(&s, &err) : sup_standby_prepare(&s, &err);
	if (rc < 0 || sup_standby_start(&s, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		_exit(1);
	}
	if (with & RELEASED)
		sup_standby_release(s.standby.guards);
	crew = (struct crew){ getpid(), s.guard, s.standby.pid, with & HELD ? fork() : 0 };
	if (with & HELD && !crew.holder) {
		alarm(TEST_S);
		pause();
	}
	if (write(tell, &crew, sizeof(crew)) == sizeof(crew))
		for (;;)
			pause();
	_exit(1);
}

/* Its guard and standby become ours to wait for when it dies. */
static struct crew begin(unsigned with)
{
	struct crew crew = { 0 };
	int ends[2];
	pid_t pid;

	fake_world = &(struct fake_world){ 0 };
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0)
		supervise(with, ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &crew, sizeof(crew)), sizeof(crew));
	close(ends[0]);
	assert_false(is_undone());
	return crew;
}

/* Its exit code; -1: a signal. */
static int end_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(end_of(pid), -1);
}

static bool goes_on(pid_t pid)
{
	_cleanup_fd_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, WHILE_MS) == 0;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_guard_does_it(void **state)
{
	struct crew c = begin(GUARD | HELD);

	(void)state;
	end(c.sup);
	assert_int_equal(end_of(c.guard), 0);
	assert_true(is_undone());
	assert_int_equal(end_of(c.standby), 0);
	end(c.holder);
}

static void test_both_die(void **state)
{
	struct crew c = begin(GUARD);

	(void)state;
	/* First the guard, which nobody starts again here; then the other way round. */
	kill(c.guard, SIGKILL);
	end(c.sup);
	end_of(c.guard);
	assert_int_equal(end_of(c.standby), 0);
	assert_true(is_undone());

	c = begin(GUARD);
	kill(c.guard, SIGSTOP);
	end(c.sup);
	/* The guard may have begun: as long as it lives, it is its work. */
	assert_true(goes_on(c.standby));
	assert_false(is_undone());
	end(c.guard);
	assert_int_equal(end_of(c.standby), 0);
	assert_true(is_undone());
}

/* A guard that has done its work leaves nothing to do: by then the next supervisor may have begun. */
static void test_released(void **state)
{
	struct crew c = begin(RELEASED);
	struct err err = { 0 };

	(void)state;
	end(c.sup);
	assert_int_equal(end_of(c.standby), 0);
	assert_false(is_undone());
	assert_int_equal(sup_cleanup("t", NULL, &err), 0);
	assert_true(is_undone());
}

static void test_kept_has_none(void **state)
{
	struct crew c = begin(GUARD | KEPT);

	(void)state;
	assert_int_equal(c.standby, 0);
	end(c.sup);
	assert_int_equal(end_of(c.guard), 0);
}

static int setup(void **state)
{
	/* Their guards and standbys are no orphans of somebody else's. */
	return prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ? -1 : life_setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guard_does_it),
		cmocka_unit_test(test_both_die),
		cmocka_unit_test(test_released),
		cmocka_unit_test(test_kept_has_none),
	};

	if (geteuid() != 0) {
		print_message("skipped: needs root to mount\n");
		return 0;
	}
	alarm(TEST_S);
	return cmocka_run_group_tests(tests, setup, life_teardown);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* termguard: a terminal is put back by somebody else when its user was killed, and only then. */
#include <errno.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/termguard.h"
#include "unit/openfds.h"

static bool is_raw(int fd)
{
	struct termios t;

	assert_return_code(tcgetattr(fd, &t), errno);
	return !(t.c_lflag & ECHO);
}

static void make_raw(int fd)
{
	struct termios t;

	assert_return_code(tcgetattr(fd, &t), errno);
	cfmakeraw(&t);
	assert_return_code(tcsetattr(fd, TCSANOW, &t), errno);
}

/* In a process of its own, which ends by `sig`; 0: with a word. */
static void user(int term, int sig)
{
	struct cli_termguard g;
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (cli_termguard_begin(&g, term, NULL) < 0)
			_exit(1);
		make_raw(term);
		if (sig)
			kill(getpid(), sig);
		cli_termguard_end(&g);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, sig);
}

static void test_killed(void **state)
{
	int ours, term;

	(void)state;
	assert_return_code(openpty(&ours, &term, NULL, NULL, NULL), errno);
	user(term, SIGKILL);
	for (int i = 0; i < 1000 && is_raw(term); i++)
		usleep(5000);
	assert_false(is_raw(term));
	close(ours);
	close(term);
}

static void test_left_alone(void **state)
{
	int ours, term;

	(void)state;
	assert_return_code(openpty(&ours, &term, NULL, NULL, NULL), errno);
	user(term, 0);
	/* Its end was waited for. */
	assert_true(is_raw(term));
	close(ours);
	close(term);
}

static void test_nothing_to_guard(void **state)
{
	struct cli_termguard g;
	struct err err = { 0 };
	int fds = open_fds(), pair[2];

	(void)state;
	assert_int_equal(cli_termguard_begin(&g, -1, &err), 0);
	cli_termguard_end(&g);
	assert_return_code(pipe(pair), errno);
	assert_int_equal(cli_termguard_begin(&g, pair[0], &err), -1);
	assert_int_equal(err.sys, ENOTTY);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(open_fds(), fds);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_nothing_to_guard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

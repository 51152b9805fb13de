/* SPDX-License-Identifier: GPL-2.0-or-later */
/* detach: what the waiting end makes of every way in which the background one can answer, or not answer. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/detach.h"

/* Runs `background` in the detached process, which ends with code 9. */
static int detach(void (*background)(int *fd), int64_t timeout_ms, int *ret_code, struct err *err)
{
	int fd = -1, r = cli_detach(timeout_ms, -1, &fd, ret_code, err);

	if (!r) {
		background(&fd);
		_exit(9);
	}
	return r;
}

static void up(int *fd)
{
	struct err late = { .text = "too late" };

	cli_detach_tell(fd, 0, NULL);
	/* Only the first word counts. */
	cli_detach_tell(fd, 1, &late);
}

static void failed(int *fd)
{
	struct err err;

	err_kind(&err, ERR_CREATE, "no such image");
	cli_detach_tell(fd, 0, &err);
}

static void in_session(int *fd)
{
	cli_detach_tell(fd, getsid(0) == getpid() && !isatty(0) ? 42 : 1, NULL);
}

static void silent(int *fd)
{
	(void)fd;
}

static void killed(int *fd)
{
	(void)fd;
	raise(SIGKILL);
}

/* Ends with 9 when it noticed that nobody waits any more. */
static void slow(int *fd)
{
	if (cli_detach_alone(*fd))
		_exit(1);
	for (int i = 0; i < 3000 && !cli_detach_alone(*fd); i++)
		usleep(10000);
	if (!cli_detach_alone(*fd))
		_exit(2);
}

static void interrupts(int *fd)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getppid(), SIGINT);
	sigwait(&set, &sig);
	cli_detach_tell(fd, 128 + sig, NULL);
}

static void test_words(void **state)
{
	struct err err;
	int code = -1;

	(void)state;
	assert_int_equal(detach(up, -1, &code, &err), 1);
	assert_int_equal(code, 0);
	assert_int_equal(detach(in_session, -1, &code, &err), 1);
	assert_int_equal(code, 42);
	assert_int_equal(detach(failed, -1, &code, &err), -1);
	assert_int_equal(err_exit_code(&err), 125);
	assert_string_equal(err.text, "no such image");
}

static void test_no_word(void **state)
{
	struct err err;
	int code = -1;

	(void)state;
	assert_int_equal(detach(silent, -1, &code, &err), -1);
	assert_non_null(strstr(err.text, "code 9"));
	assert_int_equal(detach(killed, -1, &code, &err), -1);
	assert_non_null(strstr(err.text, "SIGKILL"));
}

static void test_timeout(void **state)
{
	uint64_t begin = time_mono_ms();
	struct err err;
	int code = -1;

	(void)state;
	assert_int_equal(detach(slow, 100, &code, &err), -1);
	assert_int_equal(err_exit_code(&err), 5);
	assert_true(time_mono_ms() - begin >= 90);
	/* It goes on. */
	assert_true(wait(&code) > 0);
	assert_int_equal(WEXITSTATUS(code), 9);
}

static void test_signal_is_passed_on(void **state)
{
	struct err err;
	int code = -1;

	(void)state;
	assert_int_equal(detach(interrupts, 5000, &code, &err), 1);
	assert_int_equal(code, 130);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_no_word),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_signal_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

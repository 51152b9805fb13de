/* SPDX-License-Identifier: GPL-2.0-or-later */
/* relay: order and bytes kept, a reader that is stuck holds nobody up, one that has gone ends the printing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/relay.h"

/* Descriptor `fd` of this program, and thereby of the relay, leads into a pipe; *ret_saved is what it was. */
static int capture(int fd, int *ret_saved)
{
	int ends[2];

	assert_return_code(pipe(ends), 0);
	*ret_saved = dup(fd);
	assert_return_code(dup2(ends[1], fd), 0);
	close(ends[1]);
	return ends[0];
}

static void restore(int fd, int saved)
{
	assert_return_code(dup2(saved, fd), 0);
	close(saved);
}

static struct cli_relay open_relay(void)
{
	struct cli_relay r;
	struct err err;

	assert_return_code(cli_relay_open(&r, &err), 0);
	return r;
}

static void say(struct cli_relay *r, int to, const char *text)
{
	cli_relay_print(r, to, text, strlen(text));
}

static void test_prints(void **state)
{
	int out_saved, err_saved, out = capture(STDOUT_FILENO, &out_saved),
				  errs = capture(STDERR_FILENO, &err_saved);
	struct cli_relay r = open_relay();
	char got[64] = "", got_err[64] = "";

	(void)state;
	say(&r, STDOUT_FILENO, "one\n");
	say(&r, STDERR_FILENO, "bad\n");
	say(&r, STDOUT_FILENO, "two\n");
	cli_relay_close(&r);
	restore(STDOUT_FILENO, out_saved);
	restore(STDERR_FILENO, err_saved);
	/* All was printed before close came back. */
	assert_int_equal(read(out, got, sizeof(got) - 1), 8);
	assert_string_equal(got, "one\ntwo\n");
	assert_int_equal(read(errs, got_err, sizeof(got_err) - 1), 4);
	assert_string_equal(got_err, "bad\n");
	close(out);
	close(errs);
}

static void test_stuck_reader(void **state)
{
	int saved, out = capture(STDOUT_FILENO, &saved);
	struct cli_relay r = open_relay();
	static char line[60000];
	uint64_t begin = time_mono_ms();

	(void)state;
	memset(line, 'x', sizeof(line));
	for (int i = 0; i < 1000; i++)
		cli_relay_print(&r, STDOUT_FILENO, line, sizeof(line));
	assert_true(r.dropped > 0 && r.dropped < 1000);
	assert_true(time_mono_ms() - begin < 20000);
	cli_relay_close(&r);
	assert_true(time_mono_ms() - begin < 30000);
	restore(STDOUT_FILENO, saved);
	close(out);
}

/* What goes to the one that is still there goes on; without any reader the relay ends. */
static void test_reader_gone(void **state)
{
	int out_saved, err_saved, out = capture(STDOUT_FILENO, &out_saved);
	int errs = capture(STDERR_FILENO, &err_saved);
	struct cli_relay r = open_relay();
	char got[8] = "";

	(void)state;
	close(out);
	say(&r, STDOUT_FILENO, "to nobody\n");
	say(&r, STDERR_FILENO, "still");
	assert_int_equal(read(errs, got, sizeof(got) - 1), 5);
	assert_string_equal(got, "still");
	close(errs);
	for (int i = 0; i < 100 && r.fd >= 0; i++) {
		say(&r, STDERR_FILENO, "to nobody\n");
		usleep(10000);
	}
	restore(STDOUT_FILENO, out_saved);
	restore(STDERR_FILENO, err_saved);
	assert_int_equal(r.fd, -1);
	say(&r, STDOUT_FILENO, "to nobody\n");
	cli_relay_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prints),
		cmocka_unit_test(test_stuck_reader),
		cmocka_unit_test(test_reader_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

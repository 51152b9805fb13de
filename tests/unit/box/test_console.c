/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the terminal of a container's own: what its first process has, what we hold, and what a
 * restart makes of it. And of a given standard input.
 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/box/rig.h"

#define PATIENCE_MS 20000

static struct box_spec on_terminal(const char *const *argv)
{
	struct box_spec spec = rig_spec(argv, -1);

	spec.tty = true;
	return spec;
}

static void start(struct rig *r, struct box_slot *s, const struct box_spec *spec)
{
	struct err err = { 0 };

	if (box_start(s, spec, true, &err) < 0)
		fail_msg("%s", err.text);
	rig_wait(r, BOX_STARTED);
}

/* All that comes out of it until the last process has let go of the other side. */
static const char *output(struct box_slot *s, char *ret, size_t size)
{
	struct pollfd p = { box_console(s), POLLIN, 0 };
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < size - 1 && poll(&p, 1, PATIENCE_MS) > 0) {
		n = read(p.fd, ret + len, size - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	ret[len] = '\0';
	return ret;
}

static const char *run(struct rig *r, struct box_slot *s, struct box_spec *spec, const char *script,
		       const char *typed)
{
	static char text[4096];
	const char *const argv[] = { "sh", "-c", script, NULL };

	spec->argv = argv;
	start(r, s, spec);
	assert_int_equal(write(box_console(s), typed, strlen(typed)), strlen(typed));
	output(s, text, sizeof(text));
	assert_int_equal(rig_wait(r, BOX_EXITED)->status, 0);
	return text;
}

/* 0, 1, 2 and /dev/console are one terminal, which is the session's; nothing else is open. */
static void test_is_its_own(void **state)
{
	struct box_spec spec = on_terminal(NULL);

	spec.rows = 12;
	spec.cols = 34;
	assert_string_equal(
		run(*state, rig_slot(*state, "web-1"), &spec,
		    "read -r x; echo $x; for i in 0 1 2; do readlink /proc/self/fd/$i; done; "
		    "echo $(ls /proc/self/fd); stty size; stat -c '%t:%T' /dev/console /dev/pts/0; "
		    "echo said >/dev/console; echo of the session >/dev/tty; "
		    "read -r pid name state parent group session tty fore rest </proc/1/stat; "
		    "echo $group $session $((tty)) $fore",
		    "typed\n"),
		"typed\r\ntyped\r\n/dev/pts/0\r\n/dev/pts/0\r\n/dev/pts/0\r\n0 1 2 3\r\n12 34\r\n"
		"88:0\r\n88:0\r\nsaid\r\nof the session\r\n1 1 34816 1\r\n");
}

static void test_belongs_to_the_user(void **state)
{
	struct box_spec spec = on_terminal(NULL);

	spec.uid = spec.gid = 1000;
	assert_string_equal(
		run(*state, rig_slot(*state, "web-1"), &spec,
		    "stat -c '%u %g %a' /dev/console /dev/pts/0; echo again >/dev/console", ""),
		"1000 5 620\r\n1000 5 620\r\nagain\r\n");
}

/* Without a terminal there is no console, as there is none for a command beside the first. */
static void test_none_without(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");

	assert_string_equal(rig_script(r, s, "ls /dev/console 2>&1; ls /dev/pts"),
			    "ls: /dev/console: No such file or directory\nptmx\n");
	assert_int_equal(box_console(s), -1);
}

static void test_restart_makes_another(void **state)
{
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = on_terminal(NULL);
	char text[64];

	assert_int_equal(box_console(s), -1);
	assert_string_equal(run(r, s, &spec, "echo one", ""), "one\r\n");
	/* Ours until the next start: what was said last can still be read. */
	assert_true(box_console(s) >= 0);
	assert_true(fcntl(box_console(s), F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(box_console(s), F_GETFL) & O_NONBLOCK);
	assert_int_equal(read(box_console(s), text, sizeof(text)), -1);
	assert_string_equal(run(r, s, &spec, "tty; echo two", ""), "/dev/pts/0\r\ntwo\r\n");
	assert_string_equal(rig_script(r, s, "echo without"), "without\n");
	assert_int_equal(box_console(s), -1);
}

/* Read after its end: nothing is lost with the process. */
static void test_last_words(void **state)
{
	const char *const argv[] = { "echo", "bye", NULL };
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = on_terminal(argv);
	char text[64];

	start(r, s, &spec);
	rig_wait(r, BOX_EXITED);
	assert_string_equal(output(s, text, sizeof(text)), "bye\r\n");
}

/* Keys become signals of the group in front, and a new size is told to it. */
static void test_keys_and_size(void **state)
{
	const char *const argv[] = { "sleep", "1000", NULL };
	const struct winsize size = { .ws_row = 5, .ws_col = 7 };
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = on_terminal(argv);
	const char *const waiter[] = {
		"sh", "-c", "trap 'stty size; exit' WINCH; echo set; while :; do sleep 0.05; done",
		NULL
	};
	char text[64];

	/* PID 1 that does not handle the signal is not ended by it; with an init before it it is. */
	spec.init = true;
	start(r, s, &spec);
	assert_int_equal(write(box_console(s), "\003", 1), 1);
	assert_int_equal(rig_wait(r, BOX_EXITED)->status, W_EXITCODE(128 + SIGINT, 0));
	spec.init = false;
	spec.argv = waiter;
	start(r, s, &spec);
	while (read(box_console(s), text, sizeof(text)) < 1)
		usleep(1000);
	assert_int_equal(ioctl(box_console(s), TIOCSWINSZ, &size), 0);
	rig_wait(r, BOX_EXITED);
	assert_string_equal(output(s, text, sizeof(text)), "5 7\r\n");
}

/* A key is one signal for the command, also with an init that passes signals on. */
static void test_one_signal_for_a_key(void **state)
{
	const char *const argv[] = {
		"sh", "-c", "trap 'echo got' INT; echo set; for i in 1 2 3 4; do sleep 0.2; done",
		NULL
	};
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = on_terminal(argv);
	char text[256];

	spec.init = true;
	start(r, s, &spec);
	while (read(box_console(s), text, sizeof(text)) < 1)
		usleep(1000);
	assert_int_equal(write(box_console(s), "\003", 1), 1);
	rig_wait(r, BOX_EXITED);
	assert_string_equal(output(s, text, sizeof(text)), "^Cgot\r\n");
}

/* What a volume puts in its place is covered; what cannot be covered is named. */
static void test_place_is_taken(void **state)
{
	struct box_mount own = {
		.type = BOX_FILE, .text = "theirs\n", .text_len = 7, .target = "/dev/console"
	};
	const char *const argv[] = { "true", NULL };
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = on_terminal(NULL);
	const struct err *err;

	spec.mounts = &own;
	spec.n_mounts = 1;
	assert_string_equal(run(r, s, &spec, "echo ours >/dev/console", ""), "ours\r\n");
	spec.argv = argv;
	own.type = BOX_TMPFS;
	own.target = "/dev/console/below";
	err = rig_fail(r, s, &spec);
	assert_non_null(strstr(err->text, "/dev/console"));
	assert_int_equal(box_console(s), -1);
}

static void test_given_input(void **state)
{
	const char *const argv[] = { "sh", "-c", "cat; ls /proc/self/fd | wc -l", NULL };
	struct rig *r = *state;
	struct box_slot *s = rig_slot(r, "web-1");
	struct box_spec spec = rig_spec(argv, rig_pipe());
	int pair[2], status;

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(write(pair[1], "given\n", 6), 6);
	close(pair[1]);
	spec.stdin_fd = pair[0];
	assert_string_equal(rig_run(r, s, &spec, &status), "given\n4\n");
	assert_int_equal(status, 0);
	close(pair[0]);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
	const struct CMUnitTest tests[] = {
		T(test_is_its_own),	      T(test_belongs_to_the_user),
		T(test_none_without),	      T(test_restart_makes_another),
		T(test_last_words),	      T(test_keys_and_size),
		T(test_one_signal_for_a_key), T(test_place_is_taken),
		T(test_given_input),
	};

	rig_isolate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

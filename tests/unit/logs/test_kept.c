/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logs: of a stream that is kept no byte is lost whenever its supervisor is killed, and what was stored last may be there twice. This process
 * is the guard: it has the descriptors, and its children are one supervisor after the other.
 */
#include <ev.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "logfile.h"

struct fixture {
	char dir[64], log_dir[96];
	struct ev_loop *loop;
	struct logs_spec spec;
	struct logs_stream *s; /* only to be carried over: its loop does not run */
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/mstack-logs-XXXXXX");
	*state = f;
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->log_dir, sizeof(f->log_dir), "%s/log", f->dir);
	f->spec = (struct logs_spec){ .name = "web-1",
				      .fifo_dir = f->dir,
				      .log_dir = f->log_dir,
				      .uid = geteuid(),
				      .gid = getegid(),
				      .max_size = 64 << 20,
				      .keep = true };
	f->loop = ev_loop_new(0);
	f->s = logs_open(f->loop, &f->spec, NULL, NULL, NULL);
	return f->s ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int rc;

	logs_close(f->s);
	ev_loop_destroy(f->loop);
	rc = path_remove_tree(AT_FDCWD, f->dir);
	free(f);
	return rc;
}

static void write_text(const struct fixture *f, const char *text)
{
	assert_int_equal(write(logs_write_fd(f->s, LOGS_STDOUT), text, strlen(text)),
			 (ssize_t)strlen(text));
}

/* ---- supervisors ----------------------------------------------------------------------------- */

/* It dies when it has seen so many lines; the block that they are in was not stored yet. */
static void count_down(void *arg, const struct logs_line *line)
{
	int *left = arg;

	(void)line;
	if (--*left == 0)
		raise(SIGKILL);
}

/* Of a supervisor that took the stream up; it ends by itself when `lines` are seen, or when somebody kills it. */
static pid_t supervise(const struct fixture *f, int lines)
{
	struct carry *root = carry_new();
	pid_t pid;

	logs_carry(f->s, root);
	pid = fork();
	if (pid == 0) {
		struct ev_loop *loop = ev_loop_new(0);

		alarm(60);
		if (!logs_resume(loop, &f->spec, root, count_down, &lines, NULL))
			_exit(1);
		ev_run(loop, 0);
		_exit(2);
	}
	carry_free(root);
	return pid;
}

static void assert_killed(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* The last one, which ends in order. */
static void end(const struct fixture *f)
{
	struct carry *root = carry_new();
	pid_t pid;
	int status;

	logs_carry(f->s, root);
	pid = fork();
	if (pid == 0) {
		struct logs_stream *s =
			logs_resume(ev_loop_new(0), &f->spec, root, NULL, NULL, NULL);

		logs_close(s);
		_exit(s ? 0 : 1);
	}
	carry_free(root);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void add_text(void *arg, const struct logs_line *line)
{
	buf_add(arg, line->text, line->len);
	buf_puts(arg, line->partial ? "+" : "\n");
}

/* The end, and all that is in the log then, without stamps. */
static void read_log(const struct fixture *f, struct buf *ret)
{
	end(f);
	logfile_read(f->log_dir, add_text, ret);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void not_stored_not_lost(void **state)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	struct fixture *f = *state;

	write_text(f, "one\ntwo\nthree\nfo");
	for (int i = 0; i < 3; i++)
		assert_killed(supervise(f, 2));
	write_text(f, "ur\n");
	read_log(f, &text);
	assert_string_equal(buf_str(&text), "one\ntwo\nthree\nfour\n");
}

/* It was read a moment ago, and its supervisor waits for more. */
static void beginning_of_a_line(void **state)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	struct fixture *f = *state;
	static const char *const words[] = { "a ", "line ", "in ", "pieces" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		pid_t pid = supervise(f, 0);

		write_text(f, words[i]);
		usleep(50000);
		kill(pid, SIGKILL);
		assert_killed(pid);
	}
	write_text(f, "\n");
	read_log(f, &text);
	assert_string_equal(buf_str(&text), "a line in pieces\n");
}

/* 64 KiB of it go, as always; a pipe that is full of it is not the end. */
static void line_that_fits_nowhere(void **state)
{
	enum { LEN = 300000 };
	_cleanup_(buf_fini) struct buf text = { 0 };
	struct fixture *f = *state;
	char *x = xcalloc(1, LEN + 2);
	pid_t writer, pid;

	memset(x, 'x', LEN);
	x[LEN] = '\n';
	writer = fork();
	if (writer == 0)
		_exit(write(logs_write_fd(f->s, LOGS_STDOUT), x, LEN + 1) != LEN + 1);
	assert_killed(supervise(f, 2));
	pid = supervise(f, 0);
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	kill(pid, SIGKILL);
	assert_killed(pid);
	read_log(f, &text);
	assert_true(text.len >= LEN);
	assert_int_equal(strspn(buf_str(&text), "x+"), text.len - 1);
	free(x);
}

static _Noreturn void write_numbers(int fd, int n)
{
	char line[64];

	for (int i = 1; i <= n; i++) {
		/* Some lines come in two pieces. */
		int len = snprintf(line, sizeof(line), "%d and the rest of it\n", i);
		int first = i % 7 == 0 ? len / 2 : len;

		if (write(fd, line, (size_t)first) != first ||
		    (len > first && write(fd, line + first, (size_t)(len - first)) != len - first))
			_exit(1);
	}
	_exit(0);
}

/* Each number is the next one, or there is a step back of a block at most. */
static void assert_counted(const char *text, int n, int kills)
{
	int last = 0, back = 0;

	for (const char *p = text; *p; p = strchr(p, '\n') + 1) {
		char *rest;
		int i = (int)strtol(p, &rest, 10);

		assert_memory_equal(rest, " and the rest of it\n", 20);
		if (i <= last) {
			back++;
			assert_true((last - i) * 22 <= 65536);
		} else {
			assert_int_equal(i, last + 1);
		}
		last = i;
	}
	assert_int_equal(last, n);
	assert_true(back <= kills);
}

static void killed_at_any_moment(void **state)
{
	enum { N = 400000 };
	_cleanup_(buf_fini) struct buf text = { 0 };
	struct fixture *f = *state;
	int status, kills = 0;
	pid_t writer = fork();

	if (writer == 0)
		write_numbers(logs_write_fd(f->s, LOGS_STDOUT), N);
	for (unsigned us = 1; waitpid(writer, &status, WNOHANG) == 0; us = us * 5 % 20011) {
		pid_t pid = supervise(f, 0);

		usleep(us);
		kill(pid, SIGKILL);
		assert_killed(pid);
		kills++;
	}
	assert_int_equal(status, 0);
	assert_true(kills > 3);
	read_log(f, &text);
	assert_counted(buf_str(&text), N, kills);
}

/* Whoever writes goes on, and waits at last, when nobody else has the pipe. */
static void writer_without_a_reader(void **state)
{
	struct fixture *f = *state;
	int status, told[2];
	char word;
	pid_t pid;

	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		int fd = dup(logs_write_fd(f->s, LOGS_STDOUT));

		signal(SIGPIPE, SIG_DFL);
		logs_close(f->s);
		_exit(write(fd, "out\n", 4) != 4 || write(told[1], "!", 1) != 1);
	}
	close(told[1]);
	logs_close(f->s);
	f->s = NULL;
	assert_int_equal(read(told[0], &word, 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(told[0]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(not_stored_not_lost),     TEST(beginning_of_a_line),
		TEST(line_that_fits_nowhere),  TEST(killed_at_any_moment),
		TEST(writer_without_a_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* logs: over an execve no byte is lost: neither the beginning of a line, nor what is in the pipe, nor what is written meanwhile. */
#include <ev.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mstack/logs.h"
#include "unit/openfds.h"
#include "unit/reexec.h"

struct scratch {
	char dir[64], log_dir[96];
};

static struct logs_spec spec_of(const char *dir, const char *log_dir)
{
	return (struct logs_spec){ .name = "web-1",
				   .fifo_dir = dir,
				   .log_dir = log_dir,
				   .uid = geteuid(),
				   .gid = getegid() };
}

static void note(void *arg, const struct logs_line *line)
{
	buf_add(arg, line->text, line->len);
	buf_puts(arg, line->partial ? "+" : line->fd == LOGS_STDERR ? "!\n" : "\n");
}

/* The program that takes over. */
static int go_on(struct carry *root)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct logs_spec spec = spec_of(carry_text(root, "dir"), carry_text(root, "log_dir"));
	struct buf seen = { 0 };
	int before = open_fds();
	bool same;
	struct logs_stream *s = logs_resume(loop, &spec, root, note, &seen, NULL);

	/* The folder of the log and its file: the pipes are the old ones. */
	if (!s || open_fds() != before + 2)
		return 1;
	if (logs_dropped(s) != 0 || write(logs_write_fd(s, LOGS_STDERR), "err\n", 4) != 4)
		return 2;
	logs_close(s);
	ev_loop_destroy(loop);
	same = strcmp(buf_str(&seen), "begun and ended\nin the pipe\nheld err!\n") == 0;
	buf_fini(&seen);
	return same ? 0 : 3;
}

static void say(struct logs_stream *s, enum logs_fd fd, const char *text)
{
	if (write(logs_write_fd(s, fd), text, strlen(text)) != (ssize_t)strlen(text))
		_exit(97);
}

static _Noreturn void hand_over(const struct scratch *f)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct logs_spec spec = spec_of(f->dir, f->log_dir);
	struct logs_stream *s = logs_open(loop, &spec, NULL, NULL, NULL);
	struct carry *root = carry_new();

	if (!s)
		_exit(96);
	say(s, LOGS_STDOUT, "first\nbegun and ");
	say(s, LOGS_STDERR, "held ");
	ev_run(loop, EVRUN_NOWAIT);
	say(s, LOGS_STDOUT, "ended\nin the pipe\n");
	logs_carry(s, root);
	carry_put(root, "dir", f->dir);
	carry_put(root, "log_dir", f->log_dir);
	reexec(root);
}

static int setup(void **state)
{
	struct scratch *f = xcalloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/mstack-logs-XXXXXX");
	*state = f;
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->log_dir, sizeof(f->log_dir), "%s/log", f->dir);
	return 0;
}

static int teardown(void **state)
{
	struct scratch *f = *state;
	int rc = path_remove_tree(AT_FDCWD, f->dir);

	free(f);
	return rc;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void test_goes_on(void **state)
{
	struct scratch *f = *state;
	_cleanup_free_ char *path = xasprintf("%s/current.log", f->log_dir);
	_cleanup_(buf_fini) struct buf text = { 0 };
	pid_t pid = fork();

	if (!pid)
		hand_over(f);
	assert_int_equal(code_of(pid), 0);
	assert_int_equal(file_read(AT_FDCWD, path, 65536, &text), 0);
	assert_int_equal(count(buf_str(&text), " stdout F first\n"), 1);
	assert_int_equal(count(buf_str(&text), " stdout F begun and ended\n"), 1);
	assert_int_equal(count(buf_str(&text), " stdout F in the pipe\n"), 1);
	assert_int_equal(count(buf_str(&text), " stderr F held err\n"), 1);
}

static void test_nothing_carried(void **state)
{
	struct scratch *f = *state;
	struct logs_spec spec = spec_of(f->dir, f->log_dir);
	struct carry *root = carry_new();
	struct ev_loop *loop = ev_loop_new(0);
	struct err err = { 0 };
	int before = open_fds();

	assert_null(logs_resume(loop, &spec, root, NULL, NULL, &err));
	assert_non_null(strstr(err.text, "slot 'web-1': logs: the fifo 'stdout' was not carried"));
	assert_int_equal(open_fds(), before);
	ev_loop_destroy(loop);
	carry_free(root);
}

int main(int argc, char **argv)
{
	struct carry *root = resumed(argc, argv);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_carried, setup, teardown),
	};

	if (root)
		_exit(go_on(root)); /* what it has in memory goes with it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}

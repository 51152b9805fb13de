/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of logs/stream.c and fifo.c: from the write end that a container gets to the file, with a
 * real loop.
 */
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "logfile.h"
#include "unit/openfds.h"

#define SOME_UID 12345
#define SOME_GID 54321

struct fixture {
	int fds; /* open before the test */
	char dir[64], log_dir[96];
	struct ev_loop *loop;
	struct logs_stream *s;
	struct buf seen; /* what the line function was told */
	bool keep;
};

static void note(void *arg, const struct logs_line *line)
{
	struct buf *b = arg;

	buf_printf(b, "%d%c", (int)line->fd, line->partial ? 'P' : 'F');
	buf_add(b, line->text, line->len);
	buf_putc(b, '\n');
}

static struct logs_spec spec_of(const struct fixture *f)
{
	return (struct logs_spec){
		.name = "web-1",
		.fifo_dir = f->dir,
		.log_dir = f->log_dir,
		.uid = geteuid() == 0 ? SOME_UID : geteuid(),
		.gid = geteuid() == 0 ? SOME_GID : getegid(),
		.keep = f->keep,
	};
}

static struct logs_stream *open_stream(struct fixture *f, logs_line_fn *fn, struct err *err)
{
	const struct logs_spec spec = spec_of(f);

	return logs_open(f->loop, &spec, fn, &f->seen, err);
}

static int set_up(void **state, bool keep)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->keep = keep;
	f->fds = open_fds();
	strcpy(f->dir, "/tmp/mstack-logs-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->log_dir, sizeof(f->log_dir), "%s/a/b", f->dir);
	f->loop = ev_loop_new(0);
	f->s = open_stream(f, note, NULL);
	*state = f;
	return f->s ? 0 : -1;
}

static int setup(void **state)
{
	return set_up(state, false);
}

static int setup_kept(void **state)
{
	return set_up(state, true);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int rc;

	logs_close(f->s);
	ev_loop_destroy(f->loop);
	rc = path_remove_tree(AT_FDCWD, f->dir);
	buf_fini(&f->seen);
	rc |= open_fds() != f->fds;
	free(f);
	return rc;
}

/* The current file without its stamps, in the shape of note(). */
static void stored(const struct fixture *f, struct buf *ret)
{
	buf_cut(ret, 0);
	logfile_read(f->log_dir, note, ret);
}

static void assert_both(const struct fixture *f, const char *want, size_t len)
{
	struct buf b = { 0 };

	stored(f, &b);
	assert_int_equal(b.len, len);
	assert_memory_equal(b.data, want, len);
	assert_int_equal(f->seen.len, len);
	assert_memory_equal(f->seen.data, want, len);
	buf_fini(&b);
}

static void write_text(const struct fixture *f, enum logs_fd fd, const char *text, size_t len)
{
	assert_int_equal(write(logs_write_fd(f->s, fd), text, len), (ssize_t)len);
}

/* Who looks at our descriptors in /proc just then, as the search for who has a port does, holds the other end open a moment longer. */
static void assert_ended(const struct fixture *f, enum logs_fd fd, int from)
{
	ssize_t n;

	for (int i = 0; (n = logs_feed(f->s, fd, from)) < 0 && i < 10000; i++) {
		assert_int_equal(errno, EAGAIN);
		usleep(1000);
	}
	assert_int_equal(n, 0);
}

/* As out of a terminal. */
static void feed(const struct fixture *f, enum logs_fd fd, const char *data, size_t len)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(write(ends[1], data, len), (ssize_t)len);
	for (size_t done = 0; done < len;) {
		ssize_t n = logs_feed(f->s, fd, ends[0]);

		assert_true(n > 0);
		done += (size_t)n;
	}
	assert_int_equal(logs_feed(f->s, fd, ends[0]), -1);
	assert_int_equal(errno, EAGAIN);
	close(ends[1]);
	assert_ended(f, fd, ends[0]);
	close(ends[0]);
}

#define WRITE(f, fd, text)   write_text(f, fd, text, sizeof(text) - 1)
#define ASSERT_BOTH(f, want) assert_both(f, want, sizeof(want) - 1)

static void lines_are_stored_and_shown(void **state)
{
	struct fixture *f = *state;

	WRITE(f, LOGS_STDOUT, "one\ntwo\npar");
	ev_run(f->loop, EVRUN_ONCE);
	ASSERT_BOTH(f, "1Fone\n1Ftwo\n");
	WRITE(f, LOGS_STDERR, "err\0or\n");
	ev_run(f->loop, EVRUN_ONCE);
	WRITE(f, LOGS_STDOUT, "tial\n\n");
	ev_run(f->loop, EVRUN_ONCE);
	logs_say(f->s, "restarting in %d ms", 400);
	ASSERT_BOTH(f, "1Fone\n1Ftwo\n2Ferr\0or\n1Fpartial\n1F\n3Frestarting in 400 ms\n");
	assert_int_equal(logs_dropped(f->s), 0);
}

static void what_we_say_is_cut_into_lines(void **state)
{
	struct fixture *f = *state;

	logs_say(f->s, "%s", "first\nsecond");
	logs_say(f->s, "%s", "");
	ASSERT_BOTH(f, "3Ffirst\n3Fsecond\n");
}

static void drain_ends_lines(void **state)
{
	struct fixture *f = *state;

	WRITE(f, LOGS_STDOUT, "last words");
	WRITE(f, LOGS_STDERR, "a\nb");
	logs_drain(f->s);
	ASSERT_BOTH(f, "1Flast words\n2Fa\n2Fb\n");
	logs_drain(f->s);
	ASSERT_BOTH(f, "1Flast words\n2Fa\n2Fb\n");
	/* The next process of the slot goes on in the same pipe. */
	WRITE(f, LOGS_STDOUT, "again");
	logs_close(f->s);
	f->s = NULL;
	ASSERT_BOTH(f, "1Flast words\n2Fa\n2Fb\n1Fagain\n");
	logs_close(NULL);
}

static void fifo_is_the_services_own(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct stat st, st_wr;

	snprintf(path, sizeof(path), "%s/stderr", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0620);
	if (geteuid() == 0) {
		assert_int_equal(st.st_uid, SOME_UID);
		assert_int_equal(st.st_gid, SOME_GID);
	}
	assert_int_equal(fstat(logs_write_fd(f->s, LOGS_STDERR), &st_wr), 0);
	assert_int_equal(st.st_ino, st_wr.st_ino);
	assert_int_equal(stat(f->log_dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
}

static void write_end_blocks_whatever_was_done_to_it(void **state)
{
	struct fixture *f = *state;
	int fd = logs_write_fd(f->s, LOGS_STDOUT);

	assert_int_equal(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE),
			 f->keep ? O_RDWR : O_WRONLY);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fd_nonblock(fd, true), 0);
	assert_int_equal(fcntl(logs_write_fd(f->s, LOGS_STDOUT), F_GETFL) & O_NONBLOCK, 0);
}

/*
 * As /dev/stdout in a container: opened by name, written, closed; the stream never sees the end of
 * the file.
 */
static void service_may_open_it_again(void **state)
{
	struct fixture *f = *state;
	char path[64];

	for (int i = 0; i < 3; i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", logs_write_fd(f->s, LOGS_STDOUT));
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, "x\n", 2), 2);
		close(fd);
		ev_run(f->loop, EVRUN_ONCE);
	}
	ASSERT_BOTH(f, "1Fx\n1Fx\n1Fx\n");
	ev_run(f->loop, EVRUN_NOWAIT);
}

static void what_waits_in_the_fifo_is_taken_over(void **state)
{
	struct fixture *f = *state;
	_cleanup_fd_ int keep = -1;
	char path[128];

	snprintf(path, sizeof(path), "%s/stdout", f->dir);
	logs_close(f->s);
	/* A kept container holds its FIFO open for both while no supervisor is there. */
	keep = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(write(keep, "meanwhile\n", 10), 10);
	f->s = open_stream(f, note, NULL);
	assert_non_null(f->s);
	logs_drain(f->s);
	ASSERT_BOTH(f, "1Fmeanwhile\n");
}

static void what_is_no_fifo_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	char path[128];

	logs_close(f->s);
	snprintf(path, sizeof(path), "%s/stderr", f->dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(file_replace(AT_FDCWD, path, "", 0, 0600), 0);
	f->s = open_stream(f, note, &err);
	assert_null(f->s);
	assert_int_equal(err.sys, EEXIST);
	assert_non_null(strstr(err.text, "slot 'web-1': "));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	f->s = open_stream(f, note, &err);
	assert_null(f->s);
}

/* A process that never stops to write must not hold up the drain, nor a single turn of the loop. */
static void endless_writer_holds_nobody_up(void **state)
{
	static char lines[65536];
	struct fixture *f = *state;
	size_t before;
	pid_t pid;

	memset(lines, 'y', sizeof(lines));
	for (size_t i = 15; i < sizeof(lines); i += 16)
		lines[i] = '\n';
	pid = fork();
	if (pid == 0)
		for (;;)
			if (write(logs_write_fd(f->s, LOGS_STDOUT), lines, sizeof(lines)) < 0)
				_exit(0);
	for (int i = 0; i < 5; i++) {
		before = f->seen.len;
		ev_run(f->loop, EVRUN_ONCE);
		assert_true(f->seen.len > before);
		assert_true(f->seen.len - before <= 2 * sizeof(lines));
	}
	logs_drain(f->s);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void tapped(void *arg, enum logs_fd fd, const char *data, size_t len)
{
	struct buf *b = arg;

	buf_printf(b, "%d<", (int)fd);
	buf_add(b, data, len);
	buf_puts(b, ">");
}

/* What comes on another way is stored like the rest; who listens has all of it before it is lines. */
static void fed_bytes_are_as_those_of_a_pipe(void **state)
{
	_cleanup_(buf_fini) struct buf taps = { 0 };
	struct fixture *f = *state;

	feed(f, LOGS_STDOUT, "one\r\ntw", 7);
	logs_tap(f->s, tapped, &taps);
	feed(f, LOGS_STDOUT, "o\r\n", 3);
	WRITE(f, LOGS_STDERR, "err");
	ev_run(f->loop, EVRUN_ONCE);
	logs_say(f->s, "ours");
	feed(f, LOGS_STDOUT, "three", 5);
	logs_tap(f->s, NULL, NULL);
	WRITE(f, LOGS_STDERR, "or");
	logs_drain(f->s);
	ASSERT_BOTH(f, "1Fone\r\n1Ftwo\r\n3Fours\n1Fthree\n2Ferror\n");
	assert_string_equal(buf_str(&taps), "1<o\r\n>2<err>1<three>");
}

static void held_pipes_wait(void **state)
{
	struct fixture *f = *state;

	logs_hold(f->s, true);
	WRITE(f, LOGS_STDOUT, "one\n");
	ev_run(f->loop, EVRUN_NOWAIT);
	ASSERT_BOTH(f, "");
	logs_hold(f->s, false);
	ev_run(f->loop, EVRUN_ONCE);
	ASSERT_BOTH(f, "1Fone\n");
	logs_hold(f->s, true);
	WRITE(f, LOGS_STDOUT, "two\n");
	logs_drain(f->s);
	ASSERT_BOTH(f, "1Fone\n1Ftwo\n");
}

/* For information only: how many bytes of 64-byte lines one second takes, writer included. */
static void throughput(void **state)
{
	enum { LINE = 64, BLOCKS = 1024 };
	static char lines[65536];
	struct fixture *f = *state;
	uint64_t start, ns;
	pid_t pid;
	int status;

	logs_close(f->s);
	f->s = open_stream(f, NULL, NULL);
	memset(lines, 'y', sizeof(lines));
	for (size_t i = LINE - 1; i < sizeof(lines); i += LINE)
		lines[i] = '\n';
	start = time_mono_ns();
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < BLOCKS; i++)
			if (write(logs_write_fd(f->s, LOGS_STDOUT), lines, sizeof(lines)) < 0)
				_exit(1);
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0)
		ev_run(f->loop, EVRUN_NOWAIT);
	logs_drain(f->s);
	ns = time_mono_ns() - start;
	assert_int_equal(status, 0);
	assert_int_equal(logs_dropped(f->s), 0);
	print_message("%d MiB of %d-byte lines%s: %.0f MB/s\n", BLOCKS / 16, LINE,
		      f->keep ? ", kept" : "", (double)BLOCKS * sizeof(lines) * 1e3 / (double)ns);
}

/* ---- drivers --------------------------------------------------------------------------------- */

static void reopen_as(struct fixture *f, enum logs_driver driver, const struct logs_remote *remote,
		      bool no_cache)
{
	struct logs_spec spec = spec_of(f);
	char path[128];

	spec.driver = driver;
	spec.remote = remote;
	spec.no_cache = no_cache;
	logs_close(f->s);
	snprintf(path, sizeof(path), "%s/current.log", f->log_dir);
	unlink(path);
	f->seen.len = 0;
	buf_puts(&f->seen, "");
	f->s = logs_open(f->loop, &spec, note, &f->seen, NULL);
	assert_non_null(f->s);
}

/* However the bytes come, docker's lines are the same, parts of 16 KiB among them. */
static void json_lines_in_any_pieces(void **state)
{
	static const size_t pieces[] = { 1, 3, 4096, 16384, 16385, 65536 };
	struct fixture *f = *state;
	char *data = xcalloc(1, 50000);
	struct buf first = { 0 };

	for (size_t i = 0; i < 50000; i++)
		data[i] = i % 997 == 0 && i < 9000 ? '\n' : (char)('a' + i % 26);
	for (size_t k = 0; k < ARRAY_LEN(pieces); k++) {
		reopen_as(f, LOGS_JSON_FILE, NULL, false);
		for (size_t at = 0; at < 50000; at += pieces[k])
			feed(f, LOGS_STDERR, data + at,
			     pieces[k] < 50000 - at ? pieces[k] : 50000 - at);
		logs_drain(f->s);
		if (!k)
			buf_add(&first, f->seen.data, f->seen.len);
		assert_both(f, first.data, first.len);
	}
	buf_fini(&first);
	free(data);
}

/* What we say ourselves is kept whatever becomes of the rest. */
static void some_drivers_keep_nothing(void **state)
{
	const struct logs_remote nowhere = { .journald = true,
					     .path = "/nonexistent/socket",
					     .tag = "t",
					     .container = "c",
					     .id = "i",
					     .image = "x" };
	struct fixture *f = *state;
	struct buf kept = { 0 };

	reopen_as(f, LOGS_NONE, NULL, false);
	feed(f, LOGS_STDOUT, "secret\n", 7);
	logs_say(f->s, "a word");
	stored(f, &kept);
	assert_string_equal(buf_str(&kept), "3Fa word\n");
	assert_string_equal(buf_str(&f->seen), "1Fsecret\n3Fa word\n");
	reopen_as(f, LOGS_REMOTE, &nowhere, true);
	feed(f, LOGS_STDOUT, "secret\n", 7);
	stored(f, &kept);
	assert_string_equal(buf_str(&kept),
			    "3Flines are not delivered to journald: no such file or directory\n");
	assert_int_equal(logs_undelivered(f->s), 1);
	reopen_as(f, LOGS_REMOTE, &nowhere, false);
	feed(f, LOGS_STDOUT, "secret\n", 7);
	stored(f, &kept);
	assert_non_null(strstr(buf_str(&kept), "1Fsecret\n"));
	buf_fini(&kept);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define KEPT(f) cmocka_unit_test_setup_teardown(f, setup_kept, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lines_are_stored_and_shown),
		TEST(json_lines_in_any_pieces),
		TEST(some_drivers_keep_nothing),
		TEST(what_we_say_is_cut_into_lines),
		TEST(drain_ends_lines),
		TEST(fifo_is_the_services_own),
		TEST(write_end_blocks_whatever_was_done_to_it),
		TEST(service_may_open_it_again),
		TEST(what_waits_in_the_fifo_is_taken_over),
		TEST(what_is_no_fifo_is_refused),
		TEST(endless_writer_holds_nobody_up),
		TEST(fed_bytes_are_as_those_of_a_pipe),
		TEST(held_pipes_wait),
		TEST(throughput),
		KEPT(lines_are_stored_and_shown),
		KEPT(json_lines_in_any_pieces),
		KEPT(some_drivers_keep_nothing),
		KEPT(what_we_say_is_cut_into_lines),
		KEPT(drain_ends_lines),
		KEPT(fifo_is_the_services_own),
		KEPT(write_end_blocks_whatever_was_done_to_it),
		KEPT(service_may_open_it_again),
		KEPT(what_waits_in_the_fifo_is_taken_over),
		KEPT(what_is_no_fifo_is_refused),
		KEPT(endless_writer_holds_nobody_up),
		KEPT(fed_bytes_are_as_those_of_a_pipe),
		KEPT(held_pipes_wait),
		KEPT(throughput),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

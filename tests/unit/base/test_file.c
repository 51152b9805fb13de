/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file: whole small files in and out, in a folder of its own below /tmp.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mstack/base.h"

static int make_folder(void **state)
{
	char path[] = "/tmp/mstack-test-file-XXXXXX";
	int fd;

	if (!mkdtemp(path))
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	*state = xasprintf("%d %s", fd, path);
	return 0;
}

static int folder(void **state)
{
	return atoi(*state);
}

static int remove_folder(void **state)
{
	int r = path_remove_tree(AT_FDCWD, strchr(*state, '/'));

	close(folder(state));
	free(*state);
	return r;
}

static void test_replace_and_read(void **state)
{
	int dir = folder(state);
	struct buf text = { 0 };
	struct stat st;
	mode_t mask = umask(0077);

	assert_int_equal(file_replace(dir, "f", "one", 3, 0644), 0);
	assert_int_equal(file_read(dir, "f", 100, &text), 0);
	assert_string_equal(buf_str(&text), "one");
	assert_int_equal(file_replace(dir, "f", "tw\0o", 4, 0640), 0);
	assert_int_equal(file_read(dir, "f", 100, &text), 0);
	assert_int_equal(text.len, 4);
	assert_memory_equal(text.data, "tw\0o", 5);
	assert_int_equal(fstatat(dir, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(file_replace(dir, "f", "", 0, 0640), 0);
	assert_int_equal(file_read(dir, "f", 100, &text), 0);
	assert_string_equal(buf_str(&text), "");
	umask(mask);
	buf_fini(&text);
}

/* Who holds the old file open goes on reading the old text: it is a new file, never a half-written one. */
static void test_replace_is_one_step(void **state)
{
	int dir = folder(state), fd;
	char text[8] = "";

	assert_int_equal(file_replace(dir, "f", "old", 3, 0600), 0);
	fd = openat(dir, "f", O_RDONLY | O_CLOEXEC);
	assert_int_equal(file_replace(dir, "f", "newer", 5, 0600), 0);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_string_equal(text, "old");
	close(fd);
}

static void test_replace_failures(void **state)
{
	int dir = folder(state);
	char temp[64], name[5000];

	assert_int_equal(file_replace(dir, "none/f", "x", 1, 0600), -1);
	assert_int_equal(errno, ENOENT);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(file_replace(dir, name, "x", 1, 0600), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	/* A folder is not replaced, and nothing half done stays behind. */
	assert_int_equal(mkdirat(dir, "d", 0700), 0);
	assert_int_equal(file_replace(dir, "d", "x", 1, 0600), -1);
	assert_int_equal(errno, EISDIR);
	snprintf(temp, sizeof(temp), "d.%d.new", (int)getpid());
	assert_int_equal(faccessat(dir, temp, F_OK, 0), -1);
}

static void test_leftover_is_no_obstacle(void **state)
{
	int dir = folder(state);
	struct buf text = { 0 };
	char temp[64];

	snprintf(temp, sizeof(temp), "f.%d.new", (int)getpid());
	assert_int_equal(symlinkat("/tmp/mstack-test-must-not-exist", dir, temp), 0);
	assert_int_equal(file_replace(dir, "f", "x", 1, 0600), 0);
	assert_int_equal(access("/tmp/mstack-test-must-not-exist", F_OK), -1);
	assert_int_equal(file_read(dir, "f", 10, &text), 0);
	buf_fini(&text);
}

static void test_read_limits(void **state)
{
	int dir = folder(state);
	struct buf text = { 0 };
	char big[9000];

	memset(big, 'b', sizeof(big));
	assert_int_equal(file_replace(dir, "big", big, sizeof(big), 0600), 0);
	buf_puts(&text, "before");
	assert_int_equal(file_read(dir, "big", sizeof(big) - 1, &text), -1);
	assert_int_equal(errno, EFBIG);
	assert_string_equal(buf_str(&text), "before");
	assert_int_equal(file_read(dir, "big", sizeof(big), &text), 0);
	assert_int_equal(text.len, sizeof(big));
	buf_fini(&text);
}

static void test_read_refuses_what_is_no_file(void **state)
{
	int dir = folder(state);
	struct buf text = { 0 };

	assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
	assert_int_equal(file_read(dir, "fifo", 10, &text), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(file_read(dir, ".", 10, &text), -1);
	assert_int_equal(file_read(AT_FDCWD, "/dev/zero", 10, &text), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(file_read(dir, "absent", 10, &text), -1);
	assert_int_equal(errno, ENOENT);
	assert_null(text.data);
}

static void test_read_of_proc(void **state)
{
	struct buf text = { 0 };

	(void)state;
	assert_int_equal(file_read(AT_FDCWD, "/proc/self/status", 65536, &text), 0);
	assert_int_equal(strncmp(buf_str(&text), "Name:", 5), 0);
	buf_fini(&text);
}

static void test_put(void **state)
{
	int dir = folder(state);
	struct buf text = { 0 };

	assert_int_equal(file_put(dir, "f", "x"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(file_replace(dir, "f", "12345", 5, 0600), 0);
	assert_int_equal(file_put(dir, "f", "ab"), 0);
	assert_int_equal(file_read(dir, "f", 10, &text), 0);
	assert_string_equal(buf_str(&text), "ab345");
	/* The kernel's own answer to a value it does not take. */
	assert_int_equal(file_put(AT_FDCWD, "/proc/self/oom_score_adj", "none"), -1);
	assert_int_equal(errno, EINVAL);
	buf_fini(&text);
}

static void test_nonblock(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fd_nonblock(fds[0], true), 0);
	assert_true(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	assert_int_equal(fd_nonblock(fds[0], false), 0);
	assert_false(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(fd_nonblock(-1, true), -1);
}

/* More than a pipe holds: the writer is stopped in between, and the reader gets everything in order. */
static void test_write_all(void **state)
{
	enum { LEN = 1 << 20 };
	_cleanup_free_ uint8_t *data = xcalloc(1, LEN), *got = xcalloc(1, LEN);
	size_t at = 0;
	ssize_t n;
	int fds[2], status;
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < LEN; i++)
		data[i] = (uint8_t)(i * 7 + i / 4096);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(fds[0]);
		_exit(fd_write_all(fds[1], data, LEN) < 0);
	}
	close(fds[1]);
	while ((n = read(fds[0], got + at, LEN - at)) > 0)
		at += (size_t)n;
	assert_int_equal(at, LEN);
	assert_memory_equal(got, data, LEN);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(fd_write_all(fds[0], "x", 1), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(fd_write_all(fds[0], "", 0), 0);
	close(fds[0]);
}

#define test_in_folder(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(test_replace_and_read),
		test_in_folder(test_replace_is_one_step),
		test_in_folder(test_replace_failures),
		test_in_folder(test_leftover_is_no_obstacle),
		test_in_folder(test_read_limits),
		test_in_folder(test_read_refuses_what_is_no_file),
		cmocka_unit_test(test_read_of_proc),
		test_in_folder(test_put),
		cmocka_unit_test(test_write_all),
		cmocka_unit_test(test_nonblock),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}

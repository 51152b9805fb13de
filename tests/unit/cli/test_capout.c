/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a recording goes: files are not overwritten by mistake and end with whole blocks, pipes do not keep anybody waiting. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/capout.h"

static char dir[] = "/tmp/mstack-capout-XXXXXX";

static int setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	return mkdtemp(dir) && !chdir(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return path_remove_tree(AT_FDCWD, dir);
}

static void put(struct capout *o, size_t n, int want)
{
	struct err err = { 0 };
	_cleanup_free_ char *bytes = xcalloc(1, n);

	memset(bytes, 'x', n);
	buf_add(&o->buf, bytes, n);
	assert_int_equal(capout_flush(o, &err), want);
}

static off_t size_of(const char *path)
{
	struct stat st;

	assert_return_code(stat(path, &st), errno);
	return st.st_size;
}

static void test_file(void **state)
{
	struct capout o;
	struct err err = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(capout_open("new", false, &o, &err), 0);
	put(&o, 100, 0);
	put(&o, 50, 0);
	capout_fini(&o);
	assert_return_code(stat("new", &st), errno);
	assert_int_equal(st.st_size, 150);
	assert_int_equal(st.st_mode & 0777, 0600);

	assert_int_equal(capout_open("new", false, &o, &err), -1);
	assert_non_null(strstr(err.text, "--force"));
	assert_int_equal(size_of("new"), 150);
	assert_int_equal(capout_open("new", true, &o, &err), 0);
	put(&o, 10, 0);
	capout_drop(&o); /* it is the user's */
	capout_fini(&o);
	assert_int_equal(size_of("new"), 10);
}

static void test_drop(void **state)
{
	struct capout o;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(capout_open("dropped", false, &o, &err), 0);
	capout_drop(&o);
	capout_fini(&o);
	assert_int_equal(access("dropped", F_OK), -1);
	assert_int_equal(capout_open("no/folder", false, &o, &err), -1);
	assert_int_equal(err.sys, ENOENT);
}

/* A disk that is full in the middle of a block. */
static void test_full(void **state)
{
	struct rlimit before, limit;
	struct capout o;
	struct err err = { 0 };

	(void)state;
	assert_return_code(getrlimit(RLIMIT_FSIZE, &before), errno);
	limit = (struct rlimit){ 4096, before.rlim_max };
	assert_int_equal(capout_open("full", false, &o, &err), 0);
	put(&o, 3000, 0);
	assert_return_code(setrlimit(RLIMIT_FSIZE, &limit), errno);
	put(&o, 3000, -1);
	setrlimit(RLIMIT_FSIZE, &before);
	capout_fini(&o);
	assert_int_equal(size_of("full"), 3000);
}

static void test_fifo(void **state)
{
	_cleanup_fd_ int reader = -1;
	char bytes[4096];
	struct capout o;
	struct err err = { 0 };

	(void)state;
	assert_return_code(mkfifo("fifo", 0600), errno);
	reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(capout_open("fifo", false, &o, &err), 0);
	put(&o, CAPOUT_FULL, 1);
	assert_int_equal(read(reader, bytes, sizeof(bytes)), sizeof(bytes));
	cleanup_fd(&reader);
	assert_false(o.gone);
	put(&o, 1, 0);
	assert_true(o.gone);
	capout_drop(&o);
	capout_fini(&o);
	assert_return_code(access("fifo", F_OK), errno);
}

/* With standard output on `fd`; the flags that others share stay as they are. */
static void to_output(int reader, int fd, int blocked)
{
	int saved = dup(STDOUT_FILENO), flags = fcntl(fd, F_GETFL);
	struct capout o;
	struct err err = { 0 };

	assert_return_code(dup2(fd, STDOUT_FILENO), errno);
	assert_int_equal(capout_open("-", false, &o, &err), 0);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	put(&o, CAPOUT_FULL, blocked);
	assert_int_equal(fcntl(fd, F_GETFL), flags);
	close(reader);
	close(fd);
	assert_int_equal(capout_flush(&o, &err), 0);
	assert_true(o.gone);
	capout_fini(&o);
}

static void test_output(void **state)
{
	int ends[2];

	(void)state;
	assert_return_code(pipe2(ends, O_CLOEXEC), errno);
	to_output(ends[0], ends[1], 1);
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), errno);
	to_output(ends[0], ends[1], 1);
}

static void test_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave, saved = dup(STDOUT_FILENO);
	struct err err = { 0 };
	struct capout o;
	int rc;

	(void)state;
	assert_return_code(master, errno);
	grantpt(master);
	unlockpt(master);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_return_code(slave, errno);
	dup2(slave, STDOUT_FILENO);
	rc = capout_open("-", false, &o, &err);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	assert_int_equal(rc, -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(capout_open(ptsname(master), true, &o, &err), -1);
	close(slave);
	close(master);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),   cmocka_unit_test(test_drop),
		cmocka_unit_test(test_full),   cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_output), cmocka_unit_test(test_terminal),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

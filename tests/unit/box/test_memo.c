/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memo: what was written is read back; what is not sealed, cut short or of another version is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/memo.h"

static struct sock_filter instructions[] = { { 1, 2, 3, 4 }, { 5, 6, 7, 8 } };
static const struct sock_fprog filter = { 2, instructions };
static const struct box_rlimit rlimits[] = { { RLIMIT_NOFILE, 10, 20, 3 } };
static const gid_t groups[] = { 10, 20 };
static const char *const envp[] = { "PATH=/bin", "EMPTY=", NULL };

static struct launch sample(void)
{
	return (struct launch){
		.envp = envp,
		.cwd = "/tmp",
		.apparmor = "exec profile",
		.uid = 1000,
		.gid = 2000,
		.groups = groups,
		.n_groups = 2,
		.rlimits = rlimits,
		.n_rlimits = 1,
		.caps = 0x8000000000000001,
		.filter = &filter,
		.new_privileges = true,
		.oom_score_adj = "-500",
	};
}

static void test_round_trip(void **state)
{
	struct launch l = sample();
	struct err err = { 0 };
	int fd = memo_new("web-1", "/sys/fs/cgroup/x/web-1", &l, &err);
	struct rlimit own;
	struct memo *m;

	(void)state;
	assert_return_code(fd, errno);
	assert_return_code(memo_finish(fd, getpid()), errno);
	m = memo_read(fd, &err);
	if (!m)
		fail_msg("%s", err.text);
	assert_string_equal(m->slot, "web-1");
	assert_string_equal(m->cgroup, "/sys/fs/cgroup/x/web-1");
	assert_int_equal(m->pid, getpid());
	assert_int_equal(m->started, memo_start_time(getpid()));
	assert_string_equal(m->launch.cwd, "/tmp");
	assert_string_equal(m->launch.apparmor, "exec profile");
	assert_int_equal(m->launch.uid, 1000);
	assert_int_equal(m->launch.gid, 2000);
	assert_int_equal(m->launch.n_groups, 2);
	assert_memory_equal(m->launch.groups, groups, sizeof(groups));
	assert_int_equal(m->launch.n_rlimits, RLIM_NLIMITS);
	assert_int_equal(m->launch.rlimits[RLIMIT_NOFILE].hard, 20);
	assert_return_code(getrlimit(RLIMIT_STACK, &own), errno);
	assert_int_equal(m->launch.rlimits[RLIMIT_STACK].soft, own.rlim_cur);
	assert_int_equal(m->launch.caps, 0x8000000000000001);
	assert_true(m->launch.new_privileges);
	assert_string_equal(m->launch.oom_score_adj, "-500");
	assert_int_equal(m->launch.filter->len, 2);
	assert_memory_equal(m->launch.filter->filter, instructions, sizeof(instructions));
	assert_string_equal(m->launch.envp[1], "EMPTY=");
	assert_null(m->launch.envp[2]);
	memo_free(m);
	/* Nobody changes it any more, not even its owner. */
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	close(fd);
}

static void test_starting(void **state)
{
	struct launch l = sample();
	struct err err = { 0 };
	int fd = memo_new("web-1", "/x", &l, &err);

	(void)state;
	assert_null(memo_read(fd, &err));
	assert_int_equal(err.sys, EAGAIN);
	/* A file of somebody's is none. */
	close(fd);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_null(memo_read(fd, &err));
	close(fd);
}

static struct memo *read_bytes(const char *data, size_t len, struct err *err)
{
	int fd = memfd_create("bytes", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	struct memo *m;

	assert_return_code(fd_write_all(fd, data, len), errno);
	assert_return_code(
		fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
		errno);
	m = memo_read(fd, err);
	close(fd);
	return m;
}

/* At every length, and with every byte of the head changed: an answer, never a crash. */
static void test_damaged(void **state)
{
	struct launch l = sample();
	struct err err = { 0 };
	int fd = memo_new("web-1", "/x", &l, &err);
	char data[2048];
	ssize_t len;

	(void)state;
	assert_return_code(memo_finish(fd, getpid()), errno);
	len = pread(fd, data, sizeof(data), 0);
	assert_true(len > 100 && len < (ssize_t)sizeof(data));
	for (ssize_t n = 1; n < len; n++)
		assert_null(read_bytes(data, (size_t)n, &err));
	for (size_t i = 0; i < 88; i++) {
		char old = data[i];

		data[i] = (char)0xff;
		memo_free(read_bytes(data, (size_t)len, &err));
		data[i] = old;
	}
	data[0] = 'x';
	assert_null(read_bytes(data, (size_t)len, &err));
	assert_non_null(strstr(err.text, "another version"));
	close(fd);
}

static void test_start_time(void **state)
{
	(void)state;
	assert_true(memo_start_time(getpid()) > 0);
	assert_int_equal(memo_start_time(0x3fffffff), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_starting),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_start_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sealed: the program goes on as a copy that nobody can write to, with the words that it was called with.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mstack/box.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static bool is_left_open(int but)
{
	char path[32], target[256];

	for (int i = 3; i < 64; i++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", i);
		n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		if (i != but && (strstr(target, "memfd:mstack") || strstr(target, "test_sealed")))
			return true;
	}
	return false;
}

/* What it keeps to itself: nobody without all rights may look into it, and it is never dumped. */
static bool is_hidden(void)
{
	struct rlimit core;

	return !prctl(PR_GET_DUMPABLE) && !getrlimit(RLIMIT_CORE, &core) && !core.rlim_cur;
}

/* The file on the disk is still known. */
static bool knows_itself(void)
{
	_cleanup_free_ char *self = path_self();
	const char *name = self ? strrchr(self, '/') : NULL;

	return name && !strcmp(name, "/test_sealed") && !access(self, X_OK);
}

/* The exit code says which of the promises was broken. */
static int copy_main(int argc, char **argv)
{
	_cleanup_(buf_fini) struct buf name = { 0 };
	char target[256] = "";
	struct err err;
	int fd;

	if (box_seal_self("mstack-test", &err) < 0)
		return 10;
	if (argc != 4 || strcmp(argv[2], "two words") != 0 || *argv[3])
		return 11;
	if (readlink("/proc/self/exe", target, sizeof(target) - 1) < 0 ||
	    strncmp(target, "/memfd:mstack", 13) != 0)
		return 12;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if ((fcntl(fd, F_GET_SEALS) & SEALS) != SEALS)
		return 13;
	if (open("/proc/self/exe", O_WRONLY | O_CLOEXEC) >= 0)
		return 14;
	if (file_read(AT_FDCWD, "/proc/self/comm", 64, &name) < 0 ||
	    strcmp(buf_str(&name), "mstack-test\n") != 0)
		return 15;
	/* Neither of the two programs is left open. */
	if (is_left_open(fd))
		return 16;
	if (!is_hidden())
		return 18;
	if (!knows_itself())
		return 19;
	/* A second time it is what it is already. */
	return box_seal_self("mstack-test", &err) ? 17 : 42;
}

static void test_copy(void **state)
{
	char name[] = "test_sealed", copy[] = "copy", two[] = "two words", none[] = "";
	char *const words[] = { name, copy, two, none, NULL };
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, words, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_copy) };

	if (argc > 1 && !strcmp(argv[1], "copy"))
		return copy_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

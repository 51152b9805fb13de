/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree becomes a tar and a tree again, by confined processes as `cp` has them. Runs as root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "store/program/pack.h"

static const struct store_limits limits = { UINT64_MAX, UINT64_MAX, 0, 0, 0 };

static char dir[] = "/tmp/mstack-pack-test-XXXXXX";
static int top = -1;
static struct buf said;

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return top < 0 ? -1 : 0;
}

static int remove_dir(void **state)
{
	(void)state;
	buf_fini(&said);
	close(top);
	return path_remove_tree(AT_FDCWD, dir);
}

/* One process of the program: in `folder`, from `in` to `out`, as main.c would run it. */
static _Noreturn void child(struct store_task task, const char *folder, int in, int out, int say)
{
	bool packs = task.sort == STORE_SORT_PACK;
	struct buf done = { 0 };
	struct err err = { 0 };

	if (fchdir(top) || chdir(folder) || dup2(in, 0) || dup2(packs ? out : say, 1) < 0 ||
	    dup2(say, 2) < 0)
		_exit(9);
	task.limits = &limits;
	task.marks = -1;
	task.archive = packs ? 1 : 0;
	task.out = packs ? 2 : 1;
	umask(0);
	if (store_confine(task.sort, &limits, &err) < 0 ||
	    (packs ? store_pack(&task, &done, &err) : store_unpack(&task, &done, &err)) < 0) {
		store_say(task.out, "error: %s", err.text);
		_exit(1);
	}
	store_say(task.out, "ok: %s", buf_str(&done));
	_exit(0);
}

/* 0: it went well; what was said is in `said`. */
static int run(const struct store_task *task, const char *folder, const char *tar)
{
	_cleanup_fd_ int file = openat(top, tar, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char block[1024];
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	if (task->sort == STORE_SORT_PACK)
		assert_int_equal(ftruncate(file, 0), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (!pid)
		child(*task, folder, file, file, ends[1]);
	close(ends[1]);
	buf_fini(&said);
	while ((n = read(ends[0], block, sizeof(block))) > 0)
		buf_add(&said, block, (size_t)n);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int pack(const char *folder, const char *name, const char *as)
{
	const struct store_task task = { .sort = STORE_SORT_PACK, .name = name, .as = as };

	return run(&task, folder, "tar");
}

static int fill(const char *folder, const char *as, bool owners, bool set_id)
{
	const struct store_task task = {
		.sort = STORE_SORT_COPY, .as = as, .owners = owners, .set_id = set_id
	};

	return run(&task, folder, "tar");
}

static bool is_said(const char *text)
{
	return strstr(buf_str(&said), text) != NULL;
}

static struct stat look(const char *path)
{
	struct stat st;

	if (fstatat(top, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return st;
}

static void put(const char *path, const char *text)
{
	assert_int_equal(file_replace(top, path, text, strlen(text), 0640), 0);
}

static void make_source(void)
{
	_cleanup_fd_ int fd = -1;

	assert_int_equal(path_mkdirs(top, "from/d/sub", 0750), 0);
	put("from/d/f", "content");
	assert_int_equal(fchownat(top, "from/d/f", 1000, 2000, 0), 0);
	assert_int_equal(fchmodat(top, "from/d/f", 06755, 0), 0);
	assert_int_equal(linkat(top, "from/d/f", top, "from/d/sub/same", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", top, "from/d/link"), 0);
	assert_int_equal(mkfifoat(top, "from/d/pipe", 0600), 0);
	assert_int_equal(mknodat(top, "from/d/null", S_IFCHR | 0666, makedev(1, 3)), 0);
	put("from/d/bad\377\n", "odd");
	fd = openat(top, "from/d/hole", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	assert_int_equal(pwrite(fd, "x", 1, 32 << 20), 1);
}

static void test_round_trip(void **state)
{
	struct stat st;
	char target[64] = "";

	(void)state;
	make_source();
	assert_int_equal(pack("from", "d", "e"), 0);
	assert_true(is_said("'e/null': left out"));
	assert_int_equal(mkdirat(top, "kept", 0700), 0);
	assert_int_equal(fill("kept", "e", true, true), 0);
	st = look("kept/e/f");
	assert_int_equal(st.st_mode, S_IFREG | 06755);
	assert_int_equal(st.st_uid, 1000);
	assert_int_equal(st.st_gid, 2000);
	assert_int_equal(st.st_ino, look("kept/e/sub/same").st_ino);
	assert_int_equal(st.st_mtim.tv_nsec, look("from/d/f").st_mtim.tv_nsec);
	assert_int_equal(look("kept/e/sub").st_mode, S_IFDIR | 0750);
	assert_true(readlinkat(top, "kept/e/link", target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/etc/passwd");
	assert_true(S_ISFIFO(look("kept/e/pipe").st_mode));
	assert_int_equal(look("kept/e/bad\377\n").st_size, 3);
	st = look("kept/e/hole");
	assert_int_equal(st.st_size, 64 << 20);
	assert_true(st.st_blocks < 1000);
	assert_int_equal(faccessat(top, "kept/e/null", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

static void test_on_the_host(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(top, "mine", 0700), 0);
	assert_int_equal(fill("mine", "e", false, false), 0);
	assert_int_equal(look("mine/e/f").st_uid, 0);
	assert_int_equal(look("mine/e/f").st_mode, S_IFREG | 0755);
	assert_true(is_said("'e/f': would run as its owner"));
	/* Owners kept, the rest not. */
	assert_int_equal(fill("mine", "e", true, false), 0);
	assert_int_equal(look("mine/e/f").st_uid, 1000);
	assert_int_equal(look("mine/e/f").st_mode, S_IFREG | 0755);
}

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(top, "names", 0700), 0);
	/* Only what it says that it is. */
	assert_int_equal(fill("names", "other", false, false), 1);
	assert_true(is_said("'e': is not below 'other'"));
	assert_int_equal(fill("names", "e/", false, false), 1);
	assert_int_equal(pack("from", "d", "."), 0);
	assert_int_equal(fill("names", ".", false, false), 0);
	assert_int_equal(look("names/f").st_size, 7);
	assert_int_equal(pack("from", "none", "x"), 1);
	assert_true(is_said("no such file"));
	/* A folder is not the root of the process: there is nothing above it. */
	assert_int_equal(pack("from/d", "../../../etc/passwd", "x"), 1);
}

static void test_what_is_there(void **state)
{
	(void)state;
	assert_int_equal(path_mkdirs(top, "there/f", 0700), 0);
	assert_int_equal(pack("from", "d", "."), 0);
	assert_int_equal(fill("there", ".", false, false), 1);
	assert_true(is_said("'f': is there and is a folder"));
	assert_int_equal(unlinkat(top, "there/f", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("../outside", top, "there/sub"), 0);
	assert_int_equal(path_mkdirs(top, "outside", 0700), 0);
	assert_int_equal(fill("there", ".", false, false), 1);
	assert_true(is_said("'sub': is there and is no folder"));
	assert_int_equal(unlinkat(top, "there/sub", 0), 0);
	/* A link in a file's place is replaced, never followed. */
	put("outside/f", "mine");
	assert_int_equal(unlinkat(top, "there/f", 0) && errno != ENOENT, 0);
	assert_int_equal(symlinkat("../outside/f", top, "there/f"), 0);
	assert_int_equal(fill("there", ".", false, false), 0);
	assert_true(S_ISREG(look("there/f").st_mode));
	assert_int_equal(look("outside/f").st_size, 4);
}

static void test_kernels_own(void **state)
{
	(void)state;
	assert_int_equal(pack("/proc/self", "fdinfo", "x"), 1);
	assert_true(is_said("the kernel's own state"));
	assert_int_equal(pack("from/d", "null", "x"), 1);
	assert_true(is_said("device or a socket"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_on_the_host),
		cmocka_unit_test(test_names),	    cmocka_unit_test(test_what_is_there),
		cmocka_unit_test(test_kernels_own),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

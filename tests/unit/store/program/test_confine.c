/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confine: what the process can no longer do afterwards. Each attempt is made by a child of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/program/unpack.h"

static char folder[] = "/tmp/mstack-confine-test-XXXXXX";

/* Each returns 0 when it succeeded, which it must not, else -1 with errno. */
static int open_outside(void)
{
	return open("/etc/passwd", O_RDONLY) < 0 ? -1 : 0;
}

static int open_above(void)
{
	return open("../../../../etc/passwd", O_RDONLY) < 0 ? -1 : 0;
}

static int open_proc(void)
{
	return open("/proc/self/status", O_RDONLY) < 0 ? -1 : 0;
}

static int use_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? -1 : 0;
}

static int use_exec(void)
{
	return execl("/bin/true", "true", NULL);
}

static int use_fork(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) < 0 ? -1 : 0;
}

static int use_mount(void)
{
	return mount("none", "/", "tmpfs", 0, NULL);
}

static int use_chroot(void)
{
	return chroot("/");
}

static int use_device(void)
{
	return mknod("/null", S_IFCHR | 0666, makedev(1, 3));
}

static int use_kill(void)
{
	return kill(1, 0);
}

static int use_setuid(void)
{
	return (int)syscall(SYS_setuid, 1);
}

static int use_ptrace(void)
{
	return (int)syscall(SYS_ptrace, 0, 0, 0, 0);
}

static int use_trusted(void)
{
	int fd = open("/file", O_CREAT | O_RDWR, 0600);

	return fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0);
}

/* How the C library loads a library: of a stranger's folder by now (CVE-2019-14271). */
static int use_code(void)
{
	int fd = open("/file", O_CREAT | O_RDWR, 0700);

	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0;
}

static int make_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static int use_descriptor(void)
{
	return fchdir(100);
}

static int run_confined(int (*attempt)(void), bool allowed)
{
	static const struct store_limits limits = { 1 << 20, 10, 0, 0, 0 };
	struct err err = { 0 };
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (chdir(folder) || dup2(open("/", O_RDONLY | O_DIRECTORY), 100) < 0)
			_exit(9);
		if (store_confine(STORE_SORT_ROOTFS, &limits, &err) < 0)
			_exit(8);
		_exit(attempt() < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return allowed ? !WEXITSTATUS(status) : WEXITSTATUS(status);
}

static void test_forbidden(void **state)
{
	static const struct {
		const char *name;
		int (*attempt)(void);
		int sys;
	} cases[] = {
		{ "open outside", open_outside, ENOENT },
		{ "open above", open_above, ENOENT },
		{ "open proc", open_proc, ENOENT },
		{ "socket", use_socket, EPERM },
		{ "exec", use_exec, EPERM },
		{ "fork", use_fork, EPERM },
		{ "mount", use_mount, EPERM },
		{ "chroot", use_chroot, EPERM },
		{ "device node", use_device, EPERM },
		{ "kill", use_kill, EPERM },
		{ "setuid", use_setuid, EPERM },
		{ "ptrace", use_ptrace, EPERM },
		{ "map code", use_code, EPERM },
		{ "make code", make_code, EPERM },
		{ "trusted attribute", use_trusted, EPERM },
		{ "descriptor", use_descriptor, EBADF },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int sys = run_confined(cases[i].attempt, false);

		if (sys != cases[i].sys)
			fail_msg("%s: %s", cases[i].name, sys ? strerror(sys) : "was possible");
	}
}

static int give_away(void)
{
	int fd = open("/given", O_CREAT | O_RDWR, 0600);

	return fd < 0 || fchown(fd, 1234, 5678) || fchmod(fd, 04755) || mkfifo("/fifo", 0600) ? -1
											      : 0;
}

static void test_allowed(void **state)
{
	char path[64];
	struct stat st;

	(void)state;
	assert_true(run_confined(give_away, true));
	snprintf(path, sizeof(path), "%s/given", folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 1234);
	assert_int_equal(st.st_mode, S_IFREG | 04755);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return path_remove_tree(AT_FDCWD, folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_allowed),
	};

	if (geteuid()) {
		print_message("skipped: confining needs root\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}

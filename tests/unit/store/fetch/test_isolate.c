/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * isolate: what the process that talks to registries can no longer do, and what it still must. Each attempt is made by a
 * child of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/fetch/fetch.h"

static char file[] = "/tmp/mstack-isolate-test-XXXXXX";

/* Each returns 0 when it succeeded, else -1 with errno. */
static int write_tmp(void)
{
	return open("/tmp/mstack-isolate-test-new", O_WRONLY | O_CREAT, 0600);
}

static int write_file(void)
{
	return open(file, O_RDWR);
}

static int read_file(void)
{
	return open(file, O_RDONLY);
}

static int use_tmpfile(void)
{
	return open("/tmp", O_TMPFILE | O_RDWR, 0600);
}

static int use_mkdir(void)
{
	return mkdir("/tmp/mstack-isolate-test-dir", 0700);
}

static int use_unlink(void)
{
	return unlink(file);
}

static int use_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int use_raw(void)
{
	return socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
}

static int use_packet(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static int use_listen(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return listen(fd, 1);
}

static int use_exec(void)
{
	return execl("/bin/true", "true", NULL);
}

static int use_fork(void)
{
	return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static int use_setuid(void)
{
	return (int)syscall(SYS_setuid, 0);
}

static int use_kill(void)
{
	return kill(getpid(), 0);
}

static int use_ptrace(void)
{
	return (int)syscall(SYS_ptrace, 0, 0, 0, 0);
}

static int use_unshare(void)
{
	return (int)syscall(SYS_unshare, 0x10000000);
}

static int must_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 || socket(AF_INET6, SOCK_STREAM, 0) < 0 ? -1 : 0;
}

static int must_look_up(void)
{
	struct addrinfo *found = NULL;

	return getaddrinfo("localhost", "80", NULL, &found) ? -1 : 0;
}

static int must_read_etc(void)
{
	return open("/etc/hosts", O_RDONLY);
}

/* 0 it succeeded, else errno. */
static int run_isolated(int (*attempt)(void))
{
	struct err err = { 0 };
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (fetch_isolate("", &err) < 0)
			_exit(200);
		errno = 0;
		_exit(attempt() < 0 ? (errno ? errno : 199) : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 200);
	return WEXITSTATUS(status);
}

static int need_root(void)
{
	if (geteuid() == 0)
		return 0;
	print_message("needs root\n");
	skip();
	return -1;
}

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		int (*attempt)(void);
	} t[] = {
		{ "write /tmp", write_tmp },
		{ "write a file", write_file },
		{ "read a file", read_file },
		{ "a nameless file", use_tmpfile },
		{ "mkdir", use_mkdir },
		{ "unlink", use_unlink },
		{ "AF_UNIX", use_unix },
		{ "raw socket", use_raw },
		{ "packet socket", use_packet },
		{ "listen", use_listen },
		{ "exec", use_exec },
		{ "fork", use_fork },
		{ "setuid", use_setuid },
		{ "kill", use_kill },
		{ "ptrace", use_ptrace },
		{ "unshare", use_unshare },
	};

	(void)state;
	if (need_root())
		return;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		if (!run_isolated(t[i].attempt))
			fail_msg("%s was possible", t[i].name);
}

static void test_left(void **state)
{
	(void)state;
	if (need_root())
		return;
	assert_int_equal(run_isolated(must_socket), 0);
	assert_int_equal(run_isolated(must_look_up), 0);
	assert_int_equal(run_isolated(must_read_etc), 0);
}

static int setup(void **state)
{
	int fd = mkstemp(file);

	(void)state;
	/* Everybody's: what keeps it from being touched is not its mode. Reading is Landlock's business. */
	if (fd < 0 ||
	    fchmod(fd, syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0 ? 0666 : 0600) < 0)
		return -1;
	return close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_left),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

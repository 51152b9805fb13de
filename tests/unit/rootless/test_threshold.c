/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threshold: what a user is told whom the host lets have a user namespace, but no rights in it.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/rootless.h"
#include <cmocka.h>

/* One that stands in no file of ranges. */
#define USER	 54321
#define ONE_LINE "0 54321 1"

/* As AppArmor does it on Ubuntu 24.04 (kernel.apparmor_restrict_unprivileged_userns): the map of ids is refused. */
static int refuse_map(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, sizeof(ONE_LINE) - 1, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { ARRAY_LEN(rules), rules };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0
		       ? -1
		       : 0;
}

static _Noreturn void enter(int to)
{
	struct err err = { 0 };

	/* As one that the user has executed. */
	if (setresgid(USER, USER, USER) < 0 || setresuid(USER, USER, USER) < 0 ||
	    prctl(PR_SET_DUMPABLE, 1) < 0 || refuse_map() < 0)
		_exit(1);
	rootless_enter(&err);
	_exit(write(to, &err, sizeof(err)) != sizeof(err));
}

static void test_map_refused(void **state)
{
	struct err err = { 0 };
	int pair[2], status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0) {
		print_message("needs root, who becomes another user\n");
		skip();
	}
	assert_int_equal(pipe(pair), 0);
	pid = fork();
	if (!pid)
		enter(pair[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(pair[0], &err, sizeof(err)), sizeof(err));
	if (strncmp(err.text, "a user namespace is not allowed to ordinary users here: ", 56) != 0)
		fail_msg("%s", err.text);
	assert_non_null(strstr(err.text, "or run mstack with sudo"));
	assert_int_equal(err.sys, EPERM);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_map_refused) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

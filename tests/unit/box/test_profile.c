/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of profiles of seccomp in Docker's JSON format: what they let through, tried by a child under the filter, and what is
 * wrong with them, in words. In the texts of this file ' stands for ", A for the action that allows, E for the one that refuses.
 */
#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "box/seccomp.h"
#include "mstack/box.h"

#define KILLED	  1000
#define CAP(name) (UINT64_C(1) << CAP_##name)
#define OPEN	  "{'defaultAction': @A, 'syscalls': ["
#define CLOSED	  "{'defaultAction': @E, 'syscalls': [{'names': ['exit_group'], 'action': @A}, "

/* The short forms of this file made long. */
static const char *json(const char *text)
{
	static struct buf out;

	buf_fini(&out);
	for (; *text; text++) {
		if (*text == '\'')
			buf_putc(&out, '"');
		else if (*text == '@')
			buf_puts(&out,
				 *++text == 'A' ? "\"SCMP_ACT_ALLOW\"" : "\"SCMP_ACT_ERRNO\"");
		else
			buf_putc(&out, *text);
	}
	return buf_str(&out);
}

/* errno of the call made under the profile, 0 when it succeeded, KILLED. */
static int try_call(const char *profile, uint64_t caps, long nr, long a, long b)
{
	struct seccomp_filter *list = NULL;
	struct err err = { 0 };
	const struct sock_fprog *prog = seccomp_get(&list, caps, false, json(profile), &err);
	int status = 0;
	pid_t pid;

	if (!prog)
		fail_msg("%s", err.text);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (syscall(SYS_seccomp, 1, 0, prog) < 0)
			_exit(255);
		errno = 0;
		/* Not by _exit(2): a sanitizer looks for leaks there, with calls that are closed by now. */
		syscall(SYS_exit_group, syscall(nr, a, b, 0) < 0 ? errno : 0);
	}
	waitpid(pid, &status, 0);
	seccomp_free(&list);
	if (WIFSIGNALED(status))
		return KILLED;
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

static const struct {
	const char *profile;
	uint64_t caps;
	long nr, a, b;
	int error;
} calls[] = {
	/* clang-format off */
	{ OPEN "]}", 0, SYS_getppid, 0, 0, 0 },
	{ OPEN "{'name': 'getppid', 'action': @E}]}", 0, SYS_getppid, 0, 0, EPERM },
	{ OPEN "{'names': ['getpid', 'getppid'], 'action': @E, 'errnoRet': 38}]}", 0, SYS_getppid, 0, 0, ENOSYS },
	{ OPEN "{'name': 'getppid', 'action': 'SCMP_ACT_KILL'}]}", 0, SYS_getppid, 0, 0, KILLED },
	{ OPEN "{'name': 'getppid', 'action': 'SCMP_ACT_KILL_PROCESS'}]}", 0, SYS_getppid, 0, 0, KILLED },
	{ CLOSED "{'name': 'getpid', 'action': @A}]}", 0, SYS_getppid, 0, 0, EPERM },
	{ CLOSED "{'name': 'getppid', 'action': @A}]}", 0, SYS_getppid, 0, 0, 0 },
	{ "{'defaultAction': @E, 'defaultErrnoRet': 13, 'syscalls': [{'name': 'exit_group', 'action': @A}]}", 0,
	  SYS_getppid, 0, 0, EACCES },
	/* A number of tomorrow is not there for an allow-list. */
	{ CLOSED "{'name': 'getpid', 'action': @A}]}", 0, 999, 0, 0, ENOSYS },
	/* A list of architectures, null where Go has nothing, calls that are not ours. */
	{ "{'defaultAction': @A, 'architectures': ['SCMP_ARCH_X86_64'], 'archMap': null, 'syscalls': null}", 0,
	  SYS_getppid, 0, 0, 0 },
	{ CLOSED "{'names': ['socketcall', 'of_tomorrow', 'getppid'], 'action': @A}]}", 0, SYS_getppid, 0, 0, 0 },
	/* Arguments: all of them, or any one when they speak of the same. */
	{ OPEN "{'name': 'dup2', 'action': @E, 'args': [{'index': 0, 'value': 77, 'op': 'SCMP_CMP_EQ'},"
	  "{'index': 1, 'value': 5, 'op': 'SCMP_CMP_GT'}]}]}", 0, SYS_dup2, 77, 6, EPERM },
	{ OPEN "{'name': 'dup2', 'action': @E, 'args': [{'index': 0, 'value': 77, 'op': 'SCMP_CMP_EQ'},"
	  "{'index': 1, 'value': 5, 'op': 'SCMP_CMP_GT'}]}]}", 0, SYS_dup2, 77, 5, EBADF },
	{ OPEN "{'name': 'dup2', 'action': @E, 'args': [{'index': 0, 'value': 77, 'op': 'SCMP_CMP_EQ'},"
	  "{'index': 0, 'value': 78, 'op': 'SCMP_CMP_EQ'}]}]}", 0, SYS_dup2, 78, 0, EPERM },
	{ OPEN "{'name': 'dup2', 'action': @E, 'args': [{'index': 0, 'value': 240, 'valueTwo': 64, "
	  "'op': 'SCMP_CMP_MASKED_EQ'}]}]}", 0, SYS_dup2, 77, 0, EPERM },
	/* Conditions. */
	{ CLOSED "{'name': 'getppid', 'action': @A, 'includes': {'caps': ['CAP_SYS_ADMIN']}}]}", 0,
	  SYS_getppid, 0, 0, EPERM },
	{ CLOSED "{'name': 'getppid', 'action': @A, 'includes': {'caps': ['CAP_SYS_ADMIN']}}]}", CAP(SYS_ADMIN),
	  SYS_getppid, 0, 0, 0 },
	{ CLOSED "{'name': 'getppid', 'action': @A, 'excludes': {'caps': ['CAP_SYS_ADMIN']}}]}", CAP(SYS_ADMIN),
	  SYS_getppid, 0, 0, EPERM },
	{ CLOSED "{'name': 'getppid', 'action': @A, 'includes': {'minKernel': '99.1'}}]}", 0, SYS_getppid, 0, 0, EPERM },
	{ CLOSED "{'name': 'getppid', 'action': @A, 'includes': {'minKernel': '4.8', 'arches': ['arm64', 'amd64']}}]}",
	  0, SYS_getppid, 0, 0, 0 },
	{ CLOSED "{'name': 'getppid', 'action': @A, 'includes': {'arches': ['arm64']}}]}", 0, SYS_getppid, 0, 0, EPERM },
	/* The doors of others stay closed whatever it says. */
	{ OPEN "{'name': 'read', 'action': @E}]}", 0, 0x40000000 + 521, 0, 0, ENOSYS },
	/* clang-format on */
};

static void test_calls(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		int got = try_call(calls[i].profile, calls[i].caps, calls[i].nr, calls[i].a,
				   calls[i].b);

		if (got != calls[i].error)
			fail_msg("%s: call %ld: %d in place of %d", calls[i].profile, calls[i].nr,
				 got, calls[i].error);
	}
}

static const struct {
	const char *profile, *says;
} wrong[] = {
	/* clang-format off */
	{ "", "line 1, column" },
	{ "{", "line 1, column" },
	{ "[]", "must be an object" },
	{ "{}", "'defaultAction' must be a text" },
	{ "{'defaultAction': 'SCMP_ACT_DENY'}", "'defaultAction': 'SCMP_ACT_DENY' is unknown" },
	{ "{'defaultAction': 'SCMP_ACT_NOTIFY'}", "'SCMP_ACT_NOTIFY' is unknown" },
	{ "{'defaultAction': @A, 'defaultAction': @A}", "duplicate" },
	{ "{'defaultAction': @A, 'defaultErrnoRet': 1}", "'defaultErrnoRet' is for" },
	{ "{'defaultAction': @E, 'defaultErrnoRet': 4096}", "from 0 to 4095" },
	{ "{'defaultAction': @E, 'defaultErrnoRet': -1}", "from 0 to 4095" },
	{ "{'defaultAction': @E, 'listenerPath': '/x'}", "key 'listenerPath' is unknown" },
	{ "{'defaultAction': @A, 'architectures': ['SCMP_ARCH_ARM']}", "not for SCMP_ARCH_X86_64" },
	{ "{'defaultAction': @A, 'architectures': [1]}", "'architectures' must be a list of texts" },
	{ "{'defaultAction': @A, 'archMap': {}}", "'archMap' must be a list" },
	{ "{'defaultAction': @A, 'syscalls': {}}", "'syscalls' must be a list" },
	{ OPEN "1]}", "syscalls[0]: must be an object" },
	{ OPEN "{'action': @E}]}", "syscalls[0]: either 'names' or 'name' must be given" },
	{ OPEN "{'name': 'read', 'names': ['read'], 'action': @E}]}", "syscalls[0]: either" },
	{ OPEN "{'name': 'read'}]}", "syscalls[0]: 'action' must be a text" },
	{ OPEN "{'name': 'raed', 'action': @E}]}", "'raed' is no system call" },
	{ OPEN "{'name': 'read', 'action': @E, 'arg': []}]}", "key 'arg' is unknown" },
	{ OPEN "{'name': 'read', 'action': @E, 'args': [{}]}]}", "args[0]: 'op' must be a text" },
	{ OPEN "{'name': 'read', 'action': @E, 'args': [{'index': 6, 'op': 'SCMP_CMP_EQ'}]}]}",
	  "args[0]: 'index' must be a whole number from 0 to 5" },
	{ OPEN "{'name': 'read', 'action': @E, 'args': [{'op': 'SCMP_CMP_EQ'}]}]}", "args[0]: 'index' is missing" },
	{ OPEN "{'name': 'read', 'action': @E, 'args': [{'index': 0, 'op': '=='}]}]}", "args[0]: 'op': '==' is unknown" },
	{ OPEN "{'name': 'read', 'action': @E, 'includes': {'minKernel': 'new'}}]}", "includes: 'minKernel'" },
	{ OPEN "{'name': 'read', 'action': @E, 'includes': {'cap': []}}]}", "includes: key 'cap' is unknown" },
	/* clang-format on */
};

static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		static const char begin[] = "profile of seccomp: ";
		struct err err = { 0 };

		if (!box_seccomp_check(json(wrong[i].profile), 0, &err))
			fail_msg("%s: accepted", wrong[i].profile);
		if (strncmp(err.text, begin, strlen(begin)) != 0 ||
		    !strstr(err.text, wrong[i].says))
			fail_msg("%s: %s", wrong[i].profile, err.text);
	}
}

static void test_kept_per_text(void **state)
{
	struct seccomp_filter *list = NULL;
	char *one = xstrdup(json(OPEN "]}")), *copy = xstrdup(one);
	const struct sock_fprog *first = seccomp_get(&list, 0, false, one, NULL);

	(void)state;
	assert_non_null(first);
	assert_ptr_equal(seccomp_get(&list, 0, false, copy, NULL), first);
	assert_ptr_not_equal(seccomp_get(&list, 0, false, NULL, NULL), first);
	assert_ptr_not_equal(
		seccomp_get(&list, 0, false, json(OPEN "{'name': 'read', 'action': @E}]}"), NULL), first);
	free(one);
	free(copy);
	seccomp_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_kept_per_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reexec: a test that hands a tree over an execve, as a supervisor does it: a process of its own executes the test program once more,
 * which finds the tree by resumed() before anything else of main.
 */
#ifndef UNIT_REEXEC_H
#define UNIT_REEXEC_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mstack/base_carry.h"

#define REEXEC_WORD "resume"

/* Does not return but when something failed. */
static inline _Noreturn void reexec(struct carry *root)
{
	char number[16];
	int fd = carry_write(root, NULL);

	snprintf(number, sizeof(number), "%d", fd);
	if (fd >= 0 && !carry_inherit(root, true, NULL))
		execl("/proc/self/exe", "/proc/self/exe", REEXEC_WORD, number, (char *)NULL);
	_exit(99);
}

/* NULL: the test itself is to run. */
static inline struct carry *resumed(int argc, char **argv)
{
	struct carry *root;

	if (argc != 3 || strcmp(argv[1], REEXEC_WORD) != 0)
		return NULL;
	root = carry_read(atoi(argv[2]), NULL);
	if (!root)
		_exit(98);
	return root;
}

/* The exit code of a child; 128 and more: it was killed. */
static inline int code_of(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif

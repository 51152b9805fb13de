/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * syscalls: what a container may ask of the kernel, as a table by number. Read by seccomp.c and seccomp_i386.c.
 */
#ifndef BOX_SYSCALLS_H
#define BOX_SYSCALLS_H

#include "mstack/base.h"

enum syscall_decision {
	SYSCALL_ALLOW,
	SYSCALL_DENY,	     /* EPERM */
	SYSCALL_NOSYS,	     /* ENOSYS: callers have an older way and take it then */
	SYSCALL_SOCKET,	     /* by address family */
	SYSCALL_CLONE,	     /* without new namespaces */
	SYSCALL_PERSONALITY, /* the harmless ones */
};

struct syscall_row {
	uint16_t nr;
	const char *name;
	enum syscall_decision decision;
	uint64_t caps; /* any one of these in the bounding set opens it altogether */
};

/* In order of number. What is not in it is unknown to us, and ENOSYS for the container. */
extern const struct syscall_row syscall_rows[];
extern const size_t syscall_rows_len;
/* The same for i386. */
extern const struct syscall_row syscall_rows_i386[];
extern const size_t syscall_rows_i386_len;

#endif

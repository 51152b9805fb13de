/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * syscalls: what a container may ask of the kernel, as one table of names.
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

enum { SYSCALL_X86_64, SYSCALL_I386, SYSCALL_ARM64, SYSCALL_ARCHES };
#define SYSCALL_NUMBERS 512 /* more than any of them has */

#if defined(__x86_64__)
#define SYSCALL_NATIVE SYSCALL_X86_64
#elif defined(__aarch64__)
#define SYSCALL_NATIVE SYSCALL_ARM64
#else
#error "mstack has numbers of system calls for x86-64 and arm64 only"
#endif

struct syscall_row {
	const char *name;
	int16_t nr[SYSCALL_ARCHES]; /* -1: it is not there */
	enum syscall_decision decision;
	uint64_t caps; /* any one of these in the bounding set opens it altogether */
};

/* What is not in it is unknown to us, and ENOSYS for the container. */
extern const struct syscall_row syscall_rows[];
extern const size_t syscall_rows_len;

/* The rows of one architecture by their numbers; NULL: there is none. */
void syscall_by_number(unsigned arch, const struct syscall_row *ret[SYSCALL_NUMBERS]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seccomp: the system call filter of a container, compiled before its clone and kept per set of
 * capabilities.
 */
#ifndef BOX_SECCOMP_H
#define BOX_SECCOMP_H

#include <linux/filter.h>
#include <linux/sched.h>

#include "mstack/base.h"

/* What SYSCALL_CLONE and SYSCALL_PERSONALITY go by. */
#define SECCOMP_NEW_NAMESPACES                                                         \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	 CLONE_NEWPID | CLONE_NEWNET)
#define SECCOMP_PERSONALITIES 5
extern const uint32_t seccomp_personalities[SECCOMP_PERSONALITIES];

struct seccomp_filter {
	struct seccomp_filter *next;
	uint64_t caps;
	bool i386;
	char *profile;
	struct sock_fprog prog;
};

/*
 * `i386`: the default filter for programs of 32 bits as well. The filter for these capabilities, made at its first use; belongs to the list. `profile`: a text in the format of Docker's
 * profiles, NULL for the default one. NULL on error.
 */
const struct sock_fprog *seccomp_get(struct seccomp_filter **list, uint64_t caps, bool i386,
				     const char *profile, struct err *err);
void seccomp_free(struct seccomp_filter **list);

#endif

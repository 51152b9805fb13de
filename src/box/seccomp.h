/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seccomp: the system call filter of a container, compiled before its clone and kept per set of
 * capabilities.
 */
#ifndef BOX_SECCOMP_H
#define BOX_SECCOMP_H

#include <linux/filter.h>

#include "mstack/base.h"

struct seccomp_filter {
	struct seccomp_filter *next;
	uint64_t caps;
	char *profile;
	struct sock_fprog prog;
};

/*
 * The filter for these capabilities, made at its first use; belongs to the list. `profile`: a text in the format of Docker's
 * profiles, NULL for the default one. NULL on error.
 */
const struct sock_fprog *seccomp_get(struct seccomp_filter **list, uint64_t caps,
				     const char *profile, struct err *err);
void seccomp_free(struct seccomp_filter **list);

#endif

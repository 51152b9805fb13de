/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seccomp_tree: the default filter, from the table of system calls. Called by seccomp.c.
 */
#ifndef BOX_SECCOMP_TREE_H
#define BOX_SECCOMP_TREE_H

#include <linux/filter.h>

#include "mstack/base.h"

/*
 * For calls of this machine with these capabilities in the bounding set, and, if asked for, for those of programs of 32 bits. All
 * other doors have no calls (ENOSYS). The program is the heap's.
 */
int seccomp_tree(uint64_t caps, bool i386, struct sock_fprog *ret, struct err *err);

#endif

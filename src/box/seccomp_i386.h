/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seccomp_i386: the door of 32-bit programs, opened in a filter that knows the calls of x86-64 alone.
 */
#ifndef BOX_SECCOMP_I386_H
#define BOX_SECCOMP_I386_H

#include <linux/filter.h>

#include "mstack/base.h"

/* Calls of i386 go to a part of their own behind the program, whose memory is the heap's. */
int seccomp_open_i386(struct sock_fprog *prog, uint64_t caps, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unpack.h: what the files of the program mstack-store share.
 */
#ifndef STORE_PROGRAM_UNPACK_H
#define STORE_PROGRAM_UNPACK_H

#include "mstack/base.h"

struct store_limits {
	uint64_t bytes; /* of content, all files together */
	uint64_t entries;
	uint64_t memory; /* of this process; 0: none */
};

/*
 * Shuts the process in for good: the working directory becomes the root, every descriptor but 0,
 * 1 and 2 is closed, what is left are four capabilities, the memory that the limits allow, and
 * the system calls that unpacking needs.
 */
int store_confine(const struct store_limits *limits, struct err *err);

/*
 * Unpacks the tar (compressed or not) `archive` into the working directory. Notes and progress go
 * to `out`, one line each; names in them are made harmless. Returns 0 with the closing line for
 * people in `ret`.
 */
int store_unpack(int archive, int out, const struct store_limits *limits, struct buf *ret,
		 struct err *err);
/* One line to `out`, whatever is in it. */
void store_say(int out, const char *fmt, ...) MSTACK_PRINTF(2, 3);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * whiteout.h: what a layer takes away from those below it: from the names that images use (`.wh.NAME`, `.wh..wh..opq`) to
 * what overlayfs understands.
 */
#ifndef STORE_PROGRAM_WHITEOUT_H
#define STORE_PROGRAM_WHITEOUT_H

#include <limits.h>

#include "mstack/base.h"

struct whiteouts {
	int marks;	/* a file of a fixed size, zeroed: paths of opaque folders, each with its NUL, in any order */
	uint64_t used;	/* of it */
	bool any;	/* there was one at all */
	char above[PATH_MAX]; /* the folder of the entry before, which is there */
};

/* Is the last name of `path` one of these? 1 it was and is done, 0 an ordinary name, -1 error. `path` is clean. */
int whiteout_take(struct whiteouts *w, const char *path, struct err *err);
/*
 * Before an entry is made at `path`: the folders above it are there and no links, and a whiteout of this layer at that
 * place gives way. 0 or -1.
 */
int whiteout_make_way(struct whiteouts *w, const char *path, bool folder, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* copytree: a folder and all below it, copied. Private to src/box. */
#ifndef BOX_COPYTREE_H
#define BOX_COPYTREE_H

#include <limits.h>

#include "mstack/base.h"

struct copytree {
	/*
	 * Where the content of large files may be found as well, on a file system that can share it with the copy: folders
	 * that are the layers of the tree. May be none.
	 */
	const int *layers;
	size_t n_layers;
	int links;		/* an empty folder beside the copy, for files with several names; it must go afterwards */
	char path[PATH_MAX];	/* of the tree in the layers, without a slash before it; then of what is being copied */
	unsigned depth;
	bool too_deep;
	uint64_t left_out;	/* devices and sockets: nobody could use them */
};

/*
 * Copies what is in the folder `from` into the empty folder `to`, then owner, mode, times and attributes of the folder
 * itself: contents with their holes, modes, owners, times, extended attributes (users', capabilities of files, access lists),
 * links as they are, several names of one file. Follows no link of either; neither may be changed by others meanwhile.
 */
int copytree(struct copytree *t, int from, int to, struct err *err);
/* Owner, mode and attributes, of files and folders. 0, or -1 with errno. */
int copytree_attributes(int from, int to);

#endif

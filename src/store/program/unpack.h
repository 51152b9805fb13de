/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unpack.h: what the files of the program mstack-store share.
 */
#ifndef STORE_PROGRAM_UNPACK_H
#define STORE_PROGRAM_UNPACK_H

#include <limits.h>

#include "mstack/base.h"

struct store_limits {
	uint64_t bytes; /* of content, all files together */
	uint64_t entries;
	uint64_t memory; /* of this process; 0: none */
	/* Content may be `ratio` times as large as the archive; looked at from `ratio_from` bytes on; 0: no matter. */
	uint64_t ratio, ratio_from;
};

enum store_sort {
	STORE_SORT_ROOTFS,  /* a whole root file system, from whatever tool */
	STORE_SORT_LAYER,   /* a layer of an image: digests, whiteouts, capabilities of files */
	STORE_SORT_ARCHIVE, /* an image in a tar: plain files for us alone */
	STORE_SORT_COPY,    /* what somebody copies, into a folder that has other things in it */
	STORE_SORT_PACK,    /* the other way round: a folder is read, see pack.h */
};

struct store_task {
	enum store_sort sort;
	int archive, out; /* descriptors */
	int marks;	  /* of a layer: where opaque folders are written down */
	const struct store_limits *limits;
	/* What a layer's digests must be, in hexadecimal digits: of the blob, of the tar in it. NULL: whatever it is. */
	const char *blob, *content;
	/* Of a copy: the one name that it may have in the folder (`.`: any), whether owners and capabilities are kept. */
	const char *as;
	bool owners, set_id;
	const char *name; /* to be packed */
	uint32_t
		ids; /* not 0: only 0 to ids - 1 exist here, which are fewer than files of an image may belong to */
};

/*
 * Shuts the process in for good: the working directory becomes the root, every descriptor but 0,
 * 1, 2 and the marks of a layer is closed, what is left are four capabilities (five for a layer or a copy, one for packing),
 * the memory that the limits allow, and the system calls that unpacking needs; nothing can be mapped to be executed.
 */
int store_confine(enum store_sort sort, const struct store_limits *limits, struct err *err);

/*
 * Unpacks the tar (compressed or not) into the working directory. Notes and progress go
 * to `out`, one line each; names in them are made harmless. Returns 0 with the closing line for
 * people in `ret`.
 */
int store_unpack(const struct store_task *task, struct buf *ret, struct err *err);
/*
 * The path of an entry without what says nothing (`./`, `//`); "" is the root itself. What leads
 * out is refused.
 */
int store_clean_path(const char *path, char ret[PATH_MAX], struct err *err);
/* One line to `out`, whatever is in it. */
void store_say(int out, const char *fmt, ...) MSTACK_PRINTF(2, 3);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed.h: the bytes of an archive, read once: counted and hashed on their way to libarchive, as they are in the file and
 * again as they are when decompressed.
 */
#ifndef STORE_PROGRAM_FEED_H
#define STORE_PROGRAM_FEED_H

#include <archive.h>
#include <nettle/sha2.h>

#include "store/program/unpack.h"

#define FEED_DIGEST_SIZE 65

struct feed {
	const struct store_task *task;
	struct archive *raw, *tar; /* decompresses; understands the entries */
	uint8_t *block;
	uint64_t read, plain; /* bytes of the file, and of the tar in it, so far */
	struct sha256_ctx blob, content;
	bool empty;	/* not one byte of a tar */
	bool padded;	/* the end was filled up to a whole block */
	struct err err; /* why reading broke off, when it was us who did it */
};

/* Begins to read; `tar` can be asked for entries then. 0 or -1. In either case feed_fini ends it. */
int feed_open(struct feed *f, const struct store_task *task, struct err *err);
/* What went wrong while `path` was read, in our words or in libarchive's. -1. */
int feed_fail(const struct feed *f, const char *path, struct err *err);
/*
 * Reads what is behind the last entry, and compares the digests with those that the task names. The text of the
 * content's digest is in `ret`. 0 or -1.
 */
int feed_finish(struct feed *f, char ret[FEED_DIGEST_SIZE], struct err *err);
void feed_fini(struct feed *f);

#endif

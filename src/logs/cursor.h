/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cursor: a place in the segments of one log, moving forwards while the writer may append and
 * rotate. Used by reading.
 */
#ifndef LOGS_CURSOR_H
#define LOGS_CURSOR_H

#include "logs/segment.h"

struct cursor {
	const char *path;  /* the log's folder; need not exist yet */
	int dir;	   /* -1 while it does not */
	int fd, next;	   /* the segment being read, and the one after it once it is known; -1 */
	off_t at;	   /* of the first byte in `block` */
	char *block;	   /* room for one record more than what is read at once */
	size_t begin, end; /* bytes in it that were not given out */
	uint64_t left;	   /* bytes that may still be given out */
	uint64_t in_tail;  /* bytes of the tail when it was counted; UINT64_MAX: it was not */
	bool skipping;	   /* in the middle of what is no record, until its newline */
	bool overtaken;	   /* segments between this one and the next one are gone */
	uint64_t missed;   /* so many lines in them; UINT64_MAX: unknown */
	uint64_t wall_ns;  /* of the last line */
	struct buf text;   /* of the last line, or what is told of a gap */
};

void cursor_init(struct cursor *c, const char *path);
void cursor_fini(struct cursor *c);
/*
 * The next record. 1; 2: no record, but what is to be told of those that are gone; 0 when there is none now; -1. The
 * line's text is valid until the next call.
 */
int cursor_next(struct cursor *c, struct logs_line *ret, struct err *err);
/*
 * Goes to the last `lines` lines of those that are not younger than until_ns (0: any), before the
 * first cursor_next.
 */
struct cursor_tail {
	int64_t lines;
	uint64_t until_ns;
	bool (*match)(void *arg, const struct logs_line *line); /* only these count; or NULL */
	void *arg;
};
int cursor_seek_tail(struct cursor *c, const struct cursor_tail *tail, struct err *err);
/*
 * Ends the reading after as many bytes as are stored now, so that it comes to an end however quick the
 * writer is; that of a tail, which was counted before, after as many as were stored then.
 */
int cursor_limit(struct cursor *c, struct err *err);

#endif

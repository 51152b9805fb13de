/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * segment: the files of one log. Records go into `current.log`; when it is full it becomes `1.log`
 * and the older ones move up. Every file ends with a whole record, whatever happened to the disk.
 */
#ifndef LOGS_SEGMENT_H
#define LOGS_SEGMENT_H

#include <sys/stat.h>

#include "logs/logrecord.h"

#define SEGMENT_NAME_SIZE 24

struct segments {
	int dir;	 /* folder of the files */
	int fd;		 /* current.log, or -1 while it cannot be made */
	uint64_t size;	 /* bytes of whole records in it */
	uint64_t lines;	 /* records that we have written into it */
	uint64_t before; /* bytes that were in it when it was opened: not counted yet */
	bool torn;	 /* there may be more bytes in it, of a record that was not finished */
	uint64_t max_size;
	unsigned max_files;
	uint64_t lost;	  /* records lost since something was written last */
	uint64_t dropped; /* records lost in all */
	int why;	  /* errno of the last loss */
	/* Makes the record that says what was lost, with its newline; returns its length. NULL: a line of a log. */
	size_t (*notice)(void *arg, const struct segments *s, char *ret, size_t size);
	void *notice_arg;
};

#define NOTICE_MAX 768

/*
 * Records on their way to the file: one write for all of them. Lives on the stack of whoever
 * handles a block.
 */
struct batch {
	struct segments *s;
	size_t len, lines;
	char bytes[2 * RECORD_MAX];
};

/*
 * Opens or makes the folder and the current file. A full disk is no error, the file is made later.
 * 0 or -1.
 */
int segments_open(struct segments *ret, const char *dir, uint64_t max_size, unsigned max_files,
		  struct err *err);
/* Other limits from here on; of more files than that the oldest go. */
void segments_limit(struct segments *s, uint64_t max_size, unsigned max_files);
/* Appends a record of at most RECORD_MAX bytes, newline included; goes to the file when the batch or the segment is full. */
void batch_put(struct batch *b, const char *head, size_t head_len, const char *text, size_t len);
/* The same in the CRI log format. */
void batch_add(struct batch *b, const char head[RECORD_HEAD], const char *text, size_t len);
/*
 * Writes what is there. A disk that takes it no longer costs these records, and is never an error.
 */
void batch_flush(struct batch *b);
/*
 * The same when nothing follows soon: what was lost is said even when there is nothing else to
 * write.
 */
void batch_finish(struct batch *b);
void segments_close(struct segments *s);

/* "current.log", "1.log", ... */
void segment_name(unsigned index, char ret[SEGMENT_NAME_SIZE]);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capout: where a recording goes: a file of its own, or a pipe that somebody reads while it grows. Whole blocks go in; a slow
 * reader makes nobody wait.
 */
#ifndef CLI_CAPOUT_H
#define CLI_CAPOUT_H

#include "mstack/base.h"

#define CAPOUT_FULL (1u << 20) /* more than this is not collected */

struct capout {
	const char *path; /* "-": standard output */
	int fd;
	bool regular, socket;
	bool made; /* it was not there before */
	bool gone; /* nobody reads any more */
	struct buf buf;
	size_t at; /* so much of it is written */
};

/*
 * A file that is there already is an error unless `force`, a pipe with a name is not. -1 with ERR_USAGE for a terminal. Opening a pipe
 * with a name waits for its reader.
 */
int capout_open(const char *path, bool force, struct capout *ret, struct err *err);
/* Writes what was collected. 0 all of it, or nobody reads it; 1 there is no room at the moment; -1: the file ends with a whole block. */
int capout_flush(struct capout *o, struct err *err);
/* As if it had not been opened: there is nothing to be written. */
void capout_drop(struct capout *o);
void capout_fini(struct capout *o);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backlog: bytes that were taken out of a FIFO or a terminal and are not in the log yet, in a pipe, which other processes may hold as well: who dies leaves them
 * to who comes next. They are there or in here at every moment, and go when they are stored. What was stored by somebody who
 * died before it went is stored again. Used by stream.
 */
#ifndef LOGS_BACKLOG_H
#define LOGS_BACKLOG_H

#include "mstack/base.h"
#include "mstack/base_carry.h"

/* The beginning of a line, and the block behind it. */
#define BACKLOG_MAX 131072

struct backlog {
	int pipe;   /* both ends in one, non-blocking; -1: there is none */
	int spare;  /* another one, empty between two calls */
	size_t len; /* bytes in `pipe` */
};

int backlog_open(struct backlog *ret, struct err *err);
void backlog_close(struct backlog *b);
/*
 * Moves up to `size` bytes out of a pipe or a terminal in here, where `held` is already. As read(2); but `ret` has room for BACKLOG_MAX bytes, and
 * the new ones are behind those of `held`.
 */
ssize_t backlog_take(struct backlog *b, int from, const struct buf *held, char *ret, size_t size);
/* Tells all that is in here, and keeps it: at most BACKLOG_MAX bytes. */
size_t backlog_read(const struct backlog *b, char *ret);
/* All are stored but the last `left` ones. */
void backlog_stored(struct backlog *b, size_t left);

void backlog_carry(const struct backlog *b, struct carry *to);
/* 1; 0: it was not carried over, and a new one is made; -1. Only looks, because who carried it may go on. */
int backlog_resume(struct backlog *ret, struct carry *from, struct err *err);
/* Before the first use of one that was carried over: it is ours alone. Drops nothing but what is there twice. */
void backlog_own(struct backlog *b);
/* An empty one has these bytes from now on. 0, or -1 with errno. */
int backlog_fill(struct backlog *b, const struct buf *held);

#endif

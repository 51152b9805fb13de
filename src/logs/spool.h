/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spool: messages that wait for a receiver, first in first out, in a memory file, which other processes may hold as well: who dies leaves them to
 * who comes next. One that was sent by somebody who died before he could drop it is there again. Used by delivery.
 */
#ifndef LOGS_SPOOL_H
#define LOGS_SPOOL_H

#include "mstack/base.h"
#include "mstack/base_carry.h"

/* Bytes that may wait, with four for each message. */
#define SPOOL_MAX (1u << 20)

struct spool_file;

struct spool {
	int fd; /* -1: there is none, and nothing waits */
	struct spool_file *file;
};

/* Takes no memory before something waits. 0, or -1 with errno. */
int spool_open(struct spool *ret);
void spool_close(struct spool *s);
bool spool_is_empty(const struct spool *s);
/* False: there is no room. Of one that is open. */
bool spool_put(struct spool *s, const struct buf *message);
/* A copy of the first message in place of what `ret` holds. False: there is none. */
bool spool_first(const struct spool *s, struct buf *ret);
/* It is gone. */
void spool_drop(struct spool *s);

void spool_carry(const struct spool *s, struct carry *to);
/* 1; 0: it was not carried over, and nothing is made; -1 with errno. */
int spool_resume(struct spool *ret, struct carry *from);

#endif

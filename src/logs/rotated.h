/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rotated: how many lines were in segments that are full. A reader that was overtaken by the writer learns from it what it has missed.
 * Written by segment, read by cursor. Whatever goes wrong with it costs a number, nothing else.
 */
#ifndef LOGS_ROTATED_H
#define LOGS_ROTATED_H

#include <sys/stat.h>

#include "mstack/base.h"

#define ROTATED_NAME "rotated"

/* The segment with this inode is full, with so many lines. */
void rotated_add(int dir, ino_t segment, uint64_t lines);
/* Lines of all segments after `ours` and before `next` (0: all that are full). False: it is not known any more. */
bool rotated_between(int dir, ino_t ours, ino_t next, uint64_t *ret);

#endif

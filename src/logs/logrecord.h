/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logrecord: one line as it stands in a segment, in the CRI log format. Used by both sides of the
 * room. Our own records have a head of fixed length, because the three stream names have six
 * letters each.
 */
#ifndef LOGS_LOGRECORD_H
#define LOGS_LOGRECORD_H

#include "mstack/logs.h"

#define RECORD_TEXT_MAX 65536 /* bytes of text in one record; what is longer goes on in the next */
#define RECORD_HEAD	40    /* "2026-01-31T10:00:00.123456789Z stdout F " */
#define RECORD_MAX	98560 /* of any format: 16 KiB as JSON, each byte six long, are longest */

void record_head(char ret[RECORD_HEAD], uint64_t wall_ns, enum logs_fd fd);
/* Says whether the text behind this head goes on in the next record. */
void record_set_partial(char head[RECORD_HEAD], bool partial);
/*
 * Reads a record without its newline; the text of `ret` points into it. The beginning of a record
 * does too, then its text is the beginning. -1: not a record.
 */
int record_parse(const char *record, size_t len, struct logs_line *ret);

/* The same for a record of any format, complete. What must be made anew of the text goes into `text`. */
int record_read(const char *record, size_t len, struct buf *text, struct logs_line *ret);
/*
 * An entry of a journal is a line of JSON that begins with its number and its time: this beginning, up to the comma behind it;
 * returns its length.
 */
#define ENTRY_HEAD_MAX 96
#define SEQ_DIGITS     18 /* of a number that is believed */
size_t record_entry_head(char ret[ENTRY_HEAD_MAX], uint64_t seq, uint64_t wall_ns);
int record_entry_parse(const char *record, size_t len, uint64_t *ret_seq, uint64_t *ret_wall_ns);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jsonline: one line as docker's json-file driver writes it: {"log":"text\n","stream":"stdout","time":"..."}. A part of a line has no
 * newline at the end of its text. Pure. Used by stream on the one side, by cursor on the other.
 */
#ifndef LOGS_JSONLINE_H
#define LOGS_JSONLINE_H

#include "logs/logrecord.h"

/* Docker cuts lines there; each byte may take six in JSON. */
#define JSON_TEXT_MAX 16384

/* Adds the record without its newline. The text is at most JSON_TEXT_MAX bytes. */
void jsonline_put(struct buf *out, uint64_t wall_ns, enum logs_fd fd, const char *text, size_t len,
		  bool partial);
/* Reads a record without its newline, also one that docker wrote with attributes; the text of `ret` is put into `text`. -1: none. */
int jsonline_parse(const char *record, size_t len, struct buf *text, struct logs_line *ret);

#endif

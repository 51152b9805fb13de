/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logs, the journal: what happened to a stack, one line of JSON each, in files like those of a log.
 *
 * An entry begins with its number and its time, `{"seq":12,"time":"2026-01-31T10:00:00.123456789Z",`; numbers go on from
 * one writer to the next and are never given twice. Files rotate: the oldest entries go. A disk that is full costs
 * entries, never the service: their numbers are missing, and once it goes on an entry of type "journal" with the action "lost" says so.
 * Read it with logs_read: the line's text is the whole entry. Nobody serves it: readers read and watch the files.
 */
#ifndef MSTACK_LOGS_JOURNAL_H
#define MSTACK_LOGS_JOURNAL_H

#include "mstack/base.h"

struct logs_journal;

/* Beside the folders of a project's logs; no slot is called so. */
#define LOGS_JOURNAL_FOLDER ".events"

/* Opens or makes the one in this folder. One writer at a time is the caller's business. NULL on error. */
struct logs_journal *logs_journal_open(const char *dir, struct err *err);
/* `members`: the rest of the object without its first brace, `"type":"container",...}`; no newline in it. Returns its number. */
uint64_t logs_journal_add(struct logs_journal *j, uint64_t wall_ns, const char *members);
/* The last entry that was there when it was opened, as text; "" when there was none. Valid until it is closed. */
const char *logs_journal_last(const struct logs_journal *j);
uint64_t logs_journal_lost(const struct logs_journal *j);	/* entries that a full disk has cost so far */
void logs_journal_close(struct logs_journal *j);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * entries: what the journal of a project says. Used by events and why; no supervisor is needed or asked.
 */
#ifndef CLI_ENTRIES_H
#define CLI_ENTRIES_H

#include <jansson.h>

#include "mstack/logs.h"

struct cli_entry {
	uint64_t seq, wall_ns;
	const json_t *object;
	const char *text; /* the same, one line of JSON; not ended by NUL */
	size_t len;
};

/* `object` is borrowed. Non-zero ends the reading. */
typedef int cli_entry_fn(void *arg, const struct cli_entry *e);

/*
 * All entries that `q` asks for, in their order; q->stop is called with `arg` as well. What is no entry is left out. May wait.
 * 0, or -1.
 */
int cli_entries_read(const char *project, const struct logs_query *q, cli_entry_fn *fn, void *arg,
		     struct err *err);
/* The string under an attribute of an entry, "" when there is none; and as a number. */
const char *cli_entry_attribute(const json_t *entry, const char *key);
uint64_t cli_entry_number(const json_t *entry, const char *key);

#endif

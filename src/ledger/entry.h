/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * entry: the ledger in memory. ledger.c keeps it equal to the file; undo.c walks it.
 */
#ifndef LEDGER_ENTRY_H
#define LEDGER_ENTRY_H

#include <uthash.h>

#include "mstack/ledger.h"

struct ledger_entry {
	struct ledger_item item; /* first: a pointer to the item is one to the entry */
	/* NULL: written by somebody who knows more kinds than we do */
	const struct ledger_kind *kind;
	uint16_t flags; /* of the kind, as they were entered */
	bool doomed;	/* undo.c: belongs to what is being removed */
	/* by_id keeps the order of entry; GONE ones stay in it until the next compaction */
	UT_hash_handle by_id, by_name;
	size_t name_len;
	char name[]; /* kind, NUL, key, NUL */
};

struct ledger {
	int fd;
	char *path;
	bool writable, locked;
	bool other_boot; /* what was read is of another boot; settled when the lock is taken */
	const struct ledger_kind *const *const *kinds;
	struct ledger_entry *by_id, *by_name;
	uint32_t last_id;
	uint64_t start, end; /* of the records that count, in the file */
	uint64_t live_bytes; /* what the items that are left would take */
	char boot[40];
};

#endif

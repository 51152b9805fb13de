/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record: how the ledger lies in its file. A head of fixed size, then records one behind the
 * other, in the byte order of the machine: the file never leaves it. Used by ledger.c alone.
 */
#ifndef LEDGER_RECORD_H
#define LEDGER_RECORD_H

#include "mstack/ledger.h"

#define LEDGER_KIND_MAX 32
/* Fixed part, both texts with their NULs. */
#define LEDGER_RECORD_MAX (40 + LEDGER_KIND_MAX + LEDGER_KEY_MAX)

/*
 * The head. `start` is where the first record that counts lies: what is before it was replaced by
 * newer records.
 */
struct ledger_head {
	char magic[8];
	uint32_t version;
	uint32_t sum;
	uint64_t start;
	char boot[40];
};

/*
 * One record: "the item `id` is like this now". The first one of an item carries kind and key,
 * later ones need not (NULL). Records may be replayed twice without harm.
 */
struct ledger_record {
	uint32_t id, parent;
	uint64_t ident[2];
	uint16_t state;
	uint16_t flags; /* of the kind, for readers that do not know it */
	const char *kind, *key;
};

/* This boot's id, with NULs behind. */
void ledger_boot_id(char ret[40]);
void ledger_head_make(struct ledger_head *h, uint64_t start, const char boot[40]);

enum ledger_head_check { LEDGER_HEAD_GOOD, LEDGER_HEAD_TORN, LEDGER_HEAD_FOREIGN };
enum ledger_head_check ledger_head_check(const struct ledger_head *h, size_t len);

/* Returns the length of the bytes put into `to`. */
size_t ledger_record_encode(const struct ledger_record *r, uint8_t to[LEDGER_RECORD_MAX]);
/*
 * Returns the bytes taken, 0 when there is no whole and sound record. The texts point into
 * `from`.
 */
size_t ledger_record_decode(const uint8_t *from, size_t len, struct ledger_record *ret);

#endif

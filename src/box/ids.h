/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ids: which user and group ids of the host a stack's containers have. Called by runtime.c, boxfind.c and kinds.c.
 *
 * Out of a pool each stack gets a range of 65,536 ids, the same for users and groups: id N inside is FIRST + N outside. The
 * range follows from the stack's name, so that it is the same one each time; where another running stack has it, the next
 * one is taken. A range in use is a symbolic link FIRST -> PROJECT in the runtime folder, which is made in one step by the
 * one who comes first.
 */
#ifndef BOX_IDS_H
#define BOX_IDS_H

#include "mstack/box.h"
#include "mstack/ledger.h"

#define IDS_KIND "ids"
#define IDS_SIZE BOX_IDS
/*
 * 1879048192 to 2147352575: above what useradd and systemd-nspawn give away, below the foreign ids of systemd and the half of
 * the numbers that some programs take for negative.
 */
#define IDS_POOL_FIRST	0x70000000U
#define IDS_POOL_RANGES 4094U

struct ids_pool {
	uint32_t first;	 /* id */
	uint32_t ranges; /* at least 1 */
};

/*
 * What the ids of a slot are outside of it. own: it has a user namespace of its own, in which 0 to count - 1 stand for `first` and
 * those above. Where `first` is 0 they are the same numbers as outside, and only fewer rights are had with them: one level below
 * the host (base_level.h), where files already are shown with the ids that a container has.
 */
struct ids_map {
	bool own;
	uint32_t first, count;
};

/* "FIRST:COUNT" in ids, as in subuid(5); NULL and "" are the default. */
int ids_pool_parse(const char *text, struct ids_pool *ret, struct err *err);
/* The first id of the range that this project tries as its `nr`-th one; the numbers below `ranges` give each range once. */
uint32_t ids_choose(const struct ids_pool *pool, const char *project, uint32_t nr);

/* Takes a range out of MSTACK_ID_POOL, ledger first; does not wait. */
int ids_lease(const char *project, struct ledger *l, uint32_t *ret_first, struct err *err);
/* Ranges of a stack whose ledger was lost, as box_find. */
int ids_find(const char *project, struct ledger *l, struct err *err);
/* The owners of all ranges that are taken. */
void ids_projects(void (*found)(void *arg, const char *project), void *arg);

extern const struct ledger_kind ids_kind;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ungrouped: the process of a slot that has no cgroup, as the ledger knows it. Private to src/box.
 */
#ifndef BOX_UNGROUPED_H
#define BOX_UNGROUPED_H

#include "mstack/ledger.h"

/*
 *	kind		key		identity	removed by
 *	process		its number	when it began	SIGKILL by a descriptor
 */
#define UNGROUPED_KIND "process"

extern const struct ledger_kind ungrouped_kind;

/* The number cannot mean another process: it is our child, and not reaped. Returns its item, or 0. */
uint32_t ungrouped_enter(struct ledger *l, pid_t pid, struct err *err);

#endif

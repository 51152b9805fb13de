/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sup_keep: a stack that goes on without a supervisor (`x-on-supervisor-death: keep`), as a command finds it. A part of the door of sup.
 */
#ifndef MSTACK_SUP_KEEP_H
#define MSTACK_SUP_KEEP_H

#include <jansson.h>

#include "mstack/sup_carried.h"

/*
 * What its supervisor knew last, to be looked at (names: src/sup/writedown.c); it has no descriptors. carry_free. NULL: err->sys is ENOENT when
 * nobody keeps it: then it runs with a supervisor, or not at all.
 */
struct carry *sup_kept(const char *project, struct err *err);
/* The process that keeps it: its descriptors are those that the supervisor had (box_running_list). 0: nobody. */
pid_t sup_keeper(const char *project);
/*
 * Whose descriptors tell of its containers (box_running_list), whether it is supervised or kept. Asks nobody, so it is true of one that hangs, too. 0: of no
 * process.
 */
pid_t sup_holder(const char *project);
/* Its containers as CTL_PS tells of them: what was known last, and what the kernel says now. 0; 1 nobody keeps it; -1. */
int sup_kept_rows(const char *project, json_t **ret, struct err *err);
/*
 * Of a stack that nobody supervises or keeps: containers without a cgroup end, the rest is sup_cleanup's. By an ordinary user outside, who has rights over
 * all of the user's namespaces; from inside of one only processes with the user's very id could be ended. 0 also when there is nothing.
 */
int sup_end_left(const char *project, struct err *err);

/*
 * For the process that will supervise it: takes the ledger and all that is kept. sup_run goes on with it (sup_opts.carried); until then its guard
 * keeps it as well. 1; 0: nothing is kept that could be gone on with (`say` tells why, if there was something); -1, EBUSY when
 * somebody else has it.
 */
struct sup_hooks;
int sup_adopt(const char *project, const struct sup_hooks *hooks, struct sup_carried *ret, struct err *err);

#endif

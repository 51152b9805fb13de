/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * map: gives a new user namespace its ids.
 */
#ifndef ROOTLESS_MAP_H
#define ROOTLESS_MAP_H

#include "rootless/subids.h"

/*
 * For the process `pid`, which is in the new namespace, by one that is not: id 0 is the user, those from 1 on are the ranges. Executes
 * newuidmap and newgidmap and waits for both. 0, or -1 with what they said.
 */
int map_ranges(pid_t pid, const struct subids_both *who, struct err *err);
/* By the process in the new namespace itself, of its own ids from before: one id, and no other groups. */
int map_single(uid_t uid, gid_t gid, struct err *err);

#endif

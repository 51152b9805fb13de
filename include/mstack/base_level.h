/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base_level: on which level we are: in the user namespace of the host, or one below it, as the stacks of an ordinary user are. Part
 * of the door of base. There id 0 is that user, nothing of the host can be had by being root, and fewer ids may exist.
 */
#ifndef MSTACK_BASE_LEVEL_H
#define MSTACK_BASE_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

struct buf;

struct level {
	bool nested;  /* one below the host, or deeper */
	uint32_t ids; /* 0 to ids - 1 exist, of users and of groups; 0: not even that of root */
	bool groups; /* who starts a process may choose its supplementary groups (user_namespaces(7), setgroups) */
};

/* Ours, as the kernel tells it now. What cannot be read is as on the host. */
struct level level_get(void);
/* How many ids from 0 on, without a gap, a uid_map or gid_map has; its lines may come in any order. */
uint32_t level_count_ids(const char *map);

/*
 * For a namespace below ours with the ids 0 to ids - 1 as they are here: what goes into its uid_map or gid_map when ours is `map`. The
 * kernel takes no line that goes over the end of one of ours.
 */
void level_same_ids(const char *map, uint32_t ids, struct buf *ret);

#endif

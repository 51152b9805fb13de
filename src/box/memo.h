/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memo: what a client must know of a running container to step into it. The supervisor writes it at
 * a start into a memfd that it alone holds, and seals it once the container runs; a client that may
 * look into the supervisor (root) reads it there. So the environment, which often has secrets in it,
 * never stands in a file that a backup, or a container with /run mounted, could read; nothing is left
 * behind when the supervisor dies; and a program that writes over its own environment (nginx,
 * postgres) changes nothing here.
 */
#ifndef BOX_MEMO_H
#define BOX_MEMO_H

#include "box/launch.h"

#define MEMO_NAME "mstack-slot:" /* and the slot's name, as the memfd is called */

struct memo {
	struct arena *arena;
	const char *slot, *cgroup; /* cgroup "": it has none */
	pid_t pid;
	uint64_t started;     /* as memo_start_time */
	struct launch launch; /* the process only: no root, no mounts, no command */
};

/* Writes all but the pid. The memfd, or -1. */
int memo_new(const char *slot, const char *cgroup, const struct launch *l, struct err *err);
/* Enters PID 1 and seals it. 0, or -1 with errno. */
int memo_finish(int fd, pid_t pid);
/* NULL with err->sys EAGAIN when it is not sealed: the container is starting. */
struct memo *memo_read(int fd, struct err *err);
void memo_free(struct memo *m);
/* When the process began, in clock ticks since boot: with its pid, that process and no other. 0: it is gone. */
uint64_t memo_start_time(pid_t pid);

#endif

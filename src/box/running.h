/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * running: a running container as its finder (running.c) and who enters it (enter.c) see it.
 */
#ifndef BOX_RUNNING_H
#define BOX_RUNNING_H

#include "box/memo.h"
#include "mstack/box.h"

struct running {
	struct box_running shown; /* first: callers hold a pointer to it */
	struct memo *memo;
};

/* Is it in another namespace of this kind ("user") than we are? 1, 0, or -1 with errno. */
int running_elsewhere(pid_t pid, const char *ns);

#endif

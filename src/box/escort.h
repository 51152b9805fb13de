/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * escort: the process between a client and its command in a container.
 *
 * It is the command's parent, in a session of its own. A client can be stopped (Ctrl-Z) or be slow;
 * were it the parent, a dead command that it does not reap would hold up the end of the container:
 * the kernel lets PID 1 of a pid namespace go only after every other process was reaped. And when the
 * client goes, the escort stays for what has to be done then: end the command, put the client's
 * terminal back as it was, or, after detach keys, read what a terminal says that nobody looks at.
 */
#ifndef BOX_ESCORT_H
#define BOX_ESCORT_H

#include <termios.h>

#include "box/child.h"

struct escort {
	int client; /* socket, struct child_msg both ways */
	int cgroup;
	struct child child;
	bool stays;	      /* the client's going is no end of the command */
	int user_term;	      /* -1, or a terminal of the host's, */
	struct termios saved; /* to be set back to this when the client is gone without a word */
};

_Noreturn void escort_run(struct escort *e);

/* enter.c: the id outside that is `id` inside, by a map as of user_namespaces(7). UINT32_MAX: it has none. */
uint32_t enter_map_id(const char *map, uint32_t id);

#endif

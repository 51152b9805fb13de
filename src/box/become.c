/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * become: a process of a client's takes on the rights that root of a container has, and no others, without going into it: its
 * files, network and processes stay those of the host. Called by cli through box.h, in a child that does one thing and ends.
 */
#include <grp.h>
#include <sched.h>
#include <unistd.h>

#include "box/running.h"
#include "mstack/base_level.h"

int box_running_become(const struct box_running *r)
{
	int other = running_elsewhere(r->pid, "user");
	/* Of an ordinary user with a single id they stay: the kernel lets nobody leave them there, nor below (user_namespaces(7)). */
	bool leaves = level_get().groups;

	if (other <= 0)
		return other;
	if (setns(r->pidfd, CLONE_NEWUSER) < 0 || (leaves && setgroups(0, NULL) < 0) ||
	    setresgid(0, 0, 0) < 0)
		return -1;
	return setresuid(0, 0, 0);
}

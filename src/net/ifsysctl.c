/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ifsysctl: settings of interfaces within a slot, which netlink has for IPv4 only: so they are files, and which ones a process
 * sees there is decided by the network that it is in. We are in the slot's for a moment; nothing of a container's is
 * looked at there, and nothing else runs meanwhile, as there are no threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net/ifsysctl.h"

static int put(int sys, const struct net_sysctl *s, struct err *err)
{
	if (!file_put(sys, s->path, s->value))
		return 0;
	if (errno == ENOENT)
		err_set(err, "'%s' is not a setting that this kernel has of an interface", s->path);
	else
		err_sys(err, errno, "'%s' to '%s'", s->path, s->value);
	err->line = s->line;
	return -1;
}

static int put_all(const struct net_attach *slot, struct err *err)
{
	_cleanup_fd_ int sys = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (sys < 0)
		return err_sys(err, errno, "open '/proc/sys'");
	for (size_t i = 0; i < slot->n_ports; i++)
		for (size_t k = 0; k < slot->ports[i].n_sysctls; k++)
			if (put(sys, &slot->ports[i].sysctls[k], err) < 0)
				return err_wrap(err, "link '%s': sysctls", slot->ports[i].ifname);
	return 0;
}

static bool has_any(const struct net_attach *slot)
{
	for (size_t i = 0; i < slot->n_ports; i++)
		if (slot->ports[i].n_sysctls)
			return true;
	return false;
}

int ifsysctl_apply(const struct net_attach *slot, struct err *err)
{
	_cleanup_fd_ int home = -1;
	int rc;

	if (!has_any(slot))
		return 0;
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0 || setns(slot->netns_fd, CLONE_NEWNET) < 0)
		return err_sys(err, errno, "enter the network of a slot");
	rc = put_all(slot, err);
	/* Whatever we did from here on would be done to the container's network. */
	if (setns(home, CLONE_NEWNET) < 0)
		abort();
	return rc;
}

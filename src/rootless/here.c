/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * here: where we are, by what the kernel says of our namespaces. Called by cli and sup; nothing is remembered, as it holds over an execve too.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mstack/base_level.h"
#include "mstack/rootless.h"
#include "rootless/subids.h"

#define MAP_MAX 65536

bool rootless_outside(void)
{
	return geteuid() != 0;
}

/* ---- ids ------------------------------------------------------------------------------------- */

/* Who made a user namespace is told as the id that it has in ours (ioctl_ns(2)); one that is not mapped is nobody's, not 0. */
bool rootless_is_user(void)
{
	_cleanup_fd_ int own = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	uid_t maker;

	return level_get().nested && own >= 0 && !ioctl(own, NS_GET_OWNER_UID, &maker) && !maker;
}

uid_t rootless_host_uid(uid_t uid)
{
	_cleanup_(buf_fini) struct buf map = { 0 };
	unsigned inside, above, count;
	int used;

	if (file_read(AT_FDCWD, "/proc/self/uid_map", MAP_MAX, &map) < 0)
		return uid;
	for (const char *p = buf_str(&map);
	     sscanf(p, "%u %u %u%n", &inside, &above, &count, &used) == 3; p += used)
		if (uid >= inside && uid - inside < count)
			return above + (uid - inside);
	return uid;
}

char *rootless_left_out(void)
{
	struct subids_both who;

	if (level_get().ids != 1)
		return NULL;
	subids_of(rootless_host_uid(0), &who);
	return xasprintf(
		"one user id only: all files of images belong to root, and no service can run as another user: %s%s%s",
		who.usable ? "the ranges of this user are newer than this process" : who.why,
		*who.cure ? ": " : "", who.cure);
}

/* ---- network --------------------------------------------------------------------------------- */

/* The kernel tells the owner of a namespace only to who is in the owner's user namespace or above (ioctl_ns(2)). */
bool rootless_net_is_foreign(void)
{
	_cleanup_fd_ int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	_cleanup_fd_ int owner = net < 0 ? -1 : ioctl(net, NS_GET_USERNS);

	return net >= 0 && owner < 0 && errno == EPERM;
}

int rootless_net_own(struct err *err)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	_cleanup_fd_ int fd = -1;

	if (unshare(CLONE_NEWNET) < 0)
		return err_sys(err, errno, "a network namespace of one's own");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0
		       ? err_sys(err, errno, "raise lo in a network namespace of one's own")
		       : 0;
}

int rootless_net_of(pid_t pid, struct err *err)
{
	_cleanup_fd_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 || setns(fd, CLONE_NEWNET) < 0
		       ? err_sys(err, errno, "enter the network namespace of process %d", (int)pid)
		       : 0;
}

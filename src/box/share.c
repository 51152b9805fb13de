/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * share: the steps of stage one for namespaces that a container does not have for itself. It joins them with the rights of the
 * host, which a container's root would not have for all of them, and before the clone: who joins a namespace of processes
 * stays outside, its children are inside (setns(2)).
 *
 * From the clone on those in a joined namespace see stage two, so by then it holds nothing of the host's. Nobody can look into
 * it either: it is not dumpable, and its memory belongs to the host's user namespace (CVE-2016-9962).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "box/child.h"
#include "box/mounting.h"
#include "box/sys.h"

#define QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static const int flags[BOX_NAMESPACES] = {
	[BOX_PID] = CLONE_NEWPID,
	[BOX_IPC] = CLONE_NEWIPC,
	[BOX_UTS] = CLONE_NEWUTS,
	[BOX_CGROUP] = CLONE_NEWCGROUP,
};

static int fail_join(struct child *c)
{
	if (errno == ESRCH)
		return err_set(&c->err, "the container that it joins has just ended");
	return err_sys(&c->err, errno, "join");
}

/*
 * Its mounts are looked at from within: a path of another mount namespace cannot be copied. No link is followed, so it is
 * what that container itself finds there.
 */
static int open_their_shm(struct child *c)
{
	_cleanup_fd_ int home = openat(c->proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
	_cleanup_fd_ int root = -1, at = -1;

	if (home < 0 || setns(c->joins[BOX_IPC], CLONE_NEWNS) < 0)
		return fail_join(c);
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	at = sys_open_plain(root, "dev/shm", O_PATH | O_DIRECTORY);
	if (at < 0)
		return err_sys(&c->err, errno, "/dev/shm of the container that it joins");
	c->shm = mounting_copy(at, "", false);
	return setns(home, CLONE_NEWNS) < 0 ? err_sys(&c->err, errno, "go back") : 0;
}

/* A user namespace could not mount it: this tree is the host's, which one level below the host is shown again. */
static int open_groups(struct child *c)
{
	static const char *const no_options[] = { NULL };
	unsigned attrs = QUIET | (c->launch->privileged ? 0 : MOUNT_ATTR_RDONLY);

	if (!c->level.nested)
		c->groups = mounting_new("cgroup2", no_options, attrs);
	else if ((c->groups = mounting_copy(AT_FDCWD, "/sys/fs/cgroup", true)) >= 0 &&
		 mounting_restrict(c->groups, attrs, true) < 0)
		cleanup_fd(&c->groups);
	return c->groups < 0 ? err_sys(&c->err, errno, "cgroup2") : 0;
}

int child_open_shared(struct child *c)
{
	if (c->shared & CLONE_NEWCGROUP && open_groups(c) < 0)
		return -1;
	if (!(c->shared & CLONE_NEWIPC))
		return 0;
	if (c->joins[BOX_IPC] >= 0 && open_their_shm(c) < 0)
		return -1;
	if (c->joins[BOX_IPC] < 0)
		c->shm = mounting_copy(AT_FDCWD, "/dev/shm", false);
	if (c->shm < 0 || mounting_propagate(c->shm, MS_PRIVATE, false) < 0 ||
	    mounting_restrict(c->shm, QUIET, false) < 0)
		return err_sys(&c->err, errno, "shared memory in /dev/shm");
	return 0;
}

int child_join_shared(struct child *c)
{
	for (size_t i = 0; i < BOX_NAMESPACES; i++)
		if (c->joins[i] >= 0 && setns(c->joins[i], flags[i]) < 0)
			return fail_join(c);
	return 0;
}

/* Layers, volumes and namespaces, once they are where they belong; the host's /proc. */
int child_forget_host(struct child *c)
{
	const int keep[] = { c->sock,	 c->supervisor, c->in,	   c->out,
			     c->err_out, c->init,	c->helper, c->helper_pidfd };

	if (sys_close_but(keep, ARRAY_LEN(keep)) < 0)
		return err_sys(&c->err, errno, "close_range");
	c->proc = c->netns = c->mntns = c->root = -1;
	return 0;
}

uint64_t share_flag(unsigned ns)
{
	return (uint64_t)flags[ns];
}

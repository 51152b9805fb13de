/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * userns: the child's steps about user namespaces: a slot's own one is made, files are shown with its ids, and what starts in
 * the slot takes these ids on. With `userns_mode: host` (ids 0) none of them does anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box/child.h"
#include "box/ids.h"
#include "box/mounting.h"
#include "box/sys.h"

/* ---- making ---------------------------------------------------------------------------------- */

/*
 * A user namespace keeps some limits of the one who makes it, and counts all its processes against
 * them, whatever each of them may have (user_namespaces(7), ucounts): the limits of a service
 * decide, not ours. Where root may not raise limits, neither may a service have more.
 */
static void lift_limits(void)
{
	static const int counted[] = { RLIMIT_NPROC, RLIMIT_MEMLOCK, RLIMIT_SIGPENDING,
				       RLIMIT_MSGQUEUE };
	static const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	for (size_t i = 0; i < ARRAY_LEN(counted); i++)
		setrlimit((__rlimit_resource_t)counted[i], &none);
}

static int write_maps(struct child *c, pid_t holder)
{
	static const char *const names[] = { "uid_map", "gid_map" };
	char path[48], map[48];

	snprintf(map, sizeof(map), "0 %u %u\n", c->ids, IDS_SIZE);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%d/%s", (int)holder, names[i]);
		if (!file_put(c->proc, path, map))
			continue;
		return err_sys(&c->err, errno,
			       "ids %u to %u: write %s (MSTACK_ID_POOL names other ids)", c->ids,
			       c->ids + IDS_SIZE - 1, names[i]);
	}
	return 0;
}

static int open_of(struct child *c, pid_t holder, const char *name)
{
	char path[48];

	snprintf(path, sizeof(path), "%d/ns/%s", (int)holder, name);
	return openat(c->proc, path, O_RDONLY | O_CLOEXEC);
}

static int take_network(struct child *c, pid_t holder)
{
	_cleanup_fd_ int net = open_of(c, holder, "net");

	if (net < 0)
		return err_sys(&c->err, errno, "open its network");
	return setns(net, CLONE_NEWNET) < 0 ? err_sys(&c->err, errno, "join its network") : 0;
}

static int take_from(struct child *c, pid_t holder)
{
	c->userns = open_of(c, holder, "user");
	if (c->userns < 0)
		return err_sys(&c->err, errno, "open its user namespace");
	return write_maps(c, holder) < 0 ? -1 : take_network(c, holder);
}

/* Until it is killed, or who made it ends before that. */
static _Noreturn void hold(pid_t maker)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == maker)
		pause();
	_exit(0);
}

/*
 * A process is in it until descriptors hold it: who made it could not stay what it is, a process of
 * the host's that makes the slot's mount namespace. The network namespace is made by the same
 * process, so that it belongs to the user namespace; without that no sysfs could be mounted.
 */
static int make_new(struct child *c)
{
	_cleanup_fd_ int pidfd = -1;
	siginfo_t si;
	pid_t self = getpid(), pid;
	int rc;

	lift_limits();
	pid = sys_clone(CLONE_NEWUSER | CLONE_NEWNET, -1, &pidfd);
	if (pid < 0 && errno == ENOSPC)
		return err_set(&c->err, "the host allows no more of them: raise the sysctl "
					"user.max_user_namespaces, or write `userns_mode: host`");
	if (pid < 0)
		return err_sys(&c->err, errno, "clone");
	if (!pid)
		hold(self);
	rc = take_from(c, pid);
	sys_pidfd_kill(pidfd, SIGKILL);
	waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | __WALL);
	return rc;
}

/* Says so with one byte; its end says that it could not. */
static _Noreturn void hold_network(const struct child *c, pid_t maker, int to)
{
	if (setns(c->userns, CLONE_NEWUSER) < 0 || unshare(CLONE_NEWNET) < 0 ||
	    write(to, "", 1) != 1)
		_exit(1);
	hold(maker);
}

/* That of another slot: only the network is new, and belongs to it. */
static int join_other(struct child *c)
{
	_cleanup_fd_ int pidfd = -1, from = -1, to = -1;
	pid_t self = getpid(), pid;
	siginfo_t si;
	int pair[2], rc;
	char said;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(&c->err, errno, "pipe");
	from = pair[0];
	to = pair[1];
	pid = sys_clone(0, -1, &pidfd);
	if (pid < 0)
		return err_sys(&c->err, errno, "clone");
	if (!pid)
		hold_network(c, self, to);
	cleanup_fd(&to);
	rc = read(from, &said, 1) == 1 ? take_network(c, pid)
				       : err_set(&c->err, "no network could be made in it");
	sys_pidfd_kill(pidfd, SIGKILL);
	waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | __WALL);
	return rc;
}

int child_make_userns(struct child *c)
{
	if (!c->ids || c->slot->net != BOX_OWN)
		return 0;
	return c->userns < 0 ? make_new(c) : join_other(c);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* What mstack meets where id-mapped mounts are refused; only for the message. */
static const char *fs_name(int fd)
{
	static const struct {
		unsigned magic;
		const char *name;
	} names[] = {
		{ OVERLAYFS_SUPER_MAGIC, "overlay" },
		{ TMPFS_MAGIC, "tmpfs" },
		{ RAMFS_MAGIC, "ramfs" },
		{ NFS_SUPER_MAGIC, "nfs" },
		{ CIFS_SUPER_MAGIC, "cifs" },
		{ SMB2_SUPER_MAGIC, "smb" },
		{ V9FS_MAGIC, "9p" },
		{ FUSE_SUPER_MAGIC, "fuse" },
		{ CEPH_SUPER_MAGIC, "ceph" },
		{ PROC_SUPER_MAGIC, "proc" },
		{ SYSFS_MAGIC, "sysfs" },
		{ CGROUP2_SUPER_MAGIC, "cgroup2" },
		{ DEVPTS_SUPER_MAGIC, "devpts" },
		{ NSFS_MAGIC, "nsfs" },
		{ 0x2fc12fc1, "zfs" },
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return "unknown";
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if ((unsigned)fs.f_type == names[i].magic)
			return names[i].name;
	return "of a kind without them";
}

/* The kernel says no more than "invalid argument" for a whole tree of mounts. */
static int explain_map(struct child *c, int mount, const char *path, bool recursive, int why)
{
	_cleanup_fd_ int top = recursive ? mounting_copy(mount, "", false) : -1;

	if (top >= 0 && !mounting_map_ids(top, c->userns, false))
		return err_set(&c->err,
			       "'%s': on a folder below it is a file system that cannot be shown "
			       "with the ids of a container (no id-mapped mounts): name the folder "
			       "that is needed, or write `userns_mode: host`",
			       path);
	if (why == EPERM)
		return err_set(
			&c->err,
			"'%s': is shown with other ids already (an id-mapped mount): name the "
			"folder that it is made from, or write `userns_mode: host`",
			path);
	if (why != EINVAL)
		return err_sys(&c->err, why, "'%s': map its ids", path);
	return err_set(&c->err,
		       "'%s': its file system (%s) cannot be shown with the ids of a container (no "
		       "id-mapped mounts): keep it on another one, as ext4, xfs or btrfs, or write "
		       "`userns_mode: host`",
		       path, fs_name(mount));
}

int child_map_ids(struct child *c, int mount, const char *path, bool recursive)
{
	struct stat st;

	if (!c->ids)
		return 0;
	/* A device is nobody's: its mode decides, as for others. */
	if (!fstat(mount, &st) && (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)))
		return 0;
	if (!mounting_map_ids(mount, c->userns, recursive))
		return 0;
	return explain_map(c, mount, path, recursive, errno);
}

/*
 * From here on what is made (folders of mount points, tmpfs, devices) belongs to the container's
 * root. Without the bit the kernel would take rights away together with id 0.
 */
int child_take_ids(struct child *c)
{
	if (!c->ids)
		return 0;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) < 0)
		return err_sys(&c->err, errno, "secure bits");
	setfsgid(c->ids);
	setfsuid(c->ids);
	/* They tell the former id only. */
	if ((uid_t)setfsuid(c->ids) != c->ids || (gid_t)setfsgid(c->ids) != c->ids)
		return err_sys(&c->err, errno, "become the owner %u of new files", c->ids);
	return 0;
}

/* ---- joining --------------------------------------------------------------------------------- */

/* The end of all rights on the host: what follows has those of the container's root, no more. */
int child_join_userns(struct child *c)
{
	if (!c->ids)
		return 0;
	if (c->userns >= 0 && setns(c->userns, CLONE_NEWUSER) < 0)
		return err_sys(&c->err, errno, "join");
	cleanup_fd(&c->userns);
	if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 ||
	    syscall(SYS_setresuid, 0, 0, 0) < 0)
		return err_sys(&c->err, errno, "become id 0");
	/* Both the joining and the change of ids clear it. */
	return child_die_with_supervisor(c);
}

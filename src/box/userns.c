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
#include <sys/socket.h>
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

	snprintf(map, sizeof(map), "0 %u %u\n", c->ids.first, c->ids.count);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%d/%s", (int)holder, names[i]);
		if (!file_put(c->proc, path, c->maps[i] ? c->maps[i] : map))
			continue;
		return err_sys(&c->err, errno,
			       "ids %u to %u: write %s (MSTACK_ID_POOL names other ids)",
			       c->ids.first, c->ids.first + c->ids.count - 1, names[i]);
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
	return c->userns < 0 ? err_sys(&c->err, errno, "open its user namespace")
			     : take_network(c, holder);
}

/* Until it is killed, or who made it ends before that. */
static _Noreturn void hold(pid_t maker)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == maker)
		pause();
	_exit(0);
}

static int refused(struct child *c)
{
	if (errno == ENOSPC)
		return err_set(&c->err, "the host allows no more of them: raise the sysctl "
					"user.max_user_namespaces, or write `userns_mode: host`");
	return err_sys(&c->err, errno, "clone");
}

/* Children of ours that nobody has reaped: their numbers are theirs. */
static void end_child(pid_t pid)
{
	siginfo_t si;

	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &si, WEXITED | __WALL);
}

/*
 * A process is in it until descriptors hold it: who made it could not stay what it is, a process of
 * the host's that makes the slot's mount namespace. The network namespace is made by the same
 * process, so that it belongs to the user namespace; without that no sysfs could be mounted.
 */
static int make_plain(struct child *c)
{
	pid_t self = getpid(), pid;
	int rc;

	pid = sys_clone(CLONE_NEWUSER | CLONE_NEWNET, -1, NULL);
	if (pid < 0)
		return refused(c);
	if (!pid)
		hold(self);
	rc = write_maps(c, pid) < 0 ? -1 : take_from(c, pid);
	end_child(pid);
	return rc;
}

/* What becomes of one that is counted: who holds it, or why there is none. */
struct counted {
	pid_t holder;
	struct err err;
};

/* In the one above: only from there its ids can be given, and only there nothing else is counted. */
static _Noreturn void make_below(struct child *c, pid_t maker, int sock)
{
	/* We are counted as long as we are here. */
	const rlim_t most = c->pids_max > 2 ? (rlim_t)c->pids_max : 2;
	const struct rlimit limit = { most, most };
	struct counted made = { 0 };
	char go;

	if (read(sock, &go, 1) != 1)
		_exit(1);
	if (setrlimit(RLIMIT_NPROC, &limit) < 0) {
		err_sys(&c->err, errno, "limit of %llu processes", (unsigned long long)most);
	} else {
		made.holder = sys_clone(CLONE_NEWUSER | CLONE_NEWNET | CLONE_PARENT, -1, NULL);
		if (!made.holder)
			hold(maker);
		if (made.holder < 0)
			refused(c);
		else
			write_maps(c, made.holder);
	}
	made.err = c->err;
	_exit(write(sock, &made, sizeof(made)) != sizeof(made));
}

static int take_counted(struct child *c, pid_t above, int sock)
{
	struct counted made = { 0 };
	int rc = -1;

	if (write_maps(c, above) < 0)
		return -1;
	if (write(sock, "", 1) != 1 || read(sock, &made, sizeof(made)) != sizeof(made))
		return err_set(&c->err, "who makes it has ended");
	if (made.err.text[0])
		c->err = made.err;
	else
		rc = take_from(c, made.holder);
	if (made.holder > 0)
		end_child(made.holder);
	return rc;
}

/*
 * The limit of processes that its maker has holds for all that are in a user namespace, whoever they are there, together with whatever
 * else its maker has in the namespace above (ucounts, Linux 5.14). So one is put between that and us in which there is nothing else: it
 * counts like a controller.
 */
static int make_counted(struct child *c)
{
	_cleanup_fd_ int ours = -1, theirs = -1;
	pid_t self = getpid(), above;
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(&c->err, errno, "socket");
	ours = pair[0];
	theirs = pair[1];
	above = sys_clone(CLONE_NEWUSER, -1, NULL);
	if (above < 0)
		return refused(c);
	if (!above) {
		cleanup_fd(&ours);
		make_below(c, self, theirs);
	}
	cleanup_fd(&theirs);
	rc = take_counted(c, above, ours);
	end_child(above);
	return rc;
}

static int make_new(struct child *c)
{
	lift_limits();
	return c->pids_max > 0 ? make_counted(c) : make_plain(c);
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
	if (!c->ids.own || c->slot->net != BOX_OWN)
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

	if (!c->ids.first)
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
	uint32_t root = c->ids.first;

	if (!root)
		return 0;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) < 0)
		return err_sys(&c->err, errno, "secure bits");
	setfsgid(root);
	setfsuid(root);
	/* They tell the former id only. */
	if ((uid_t)setfsuid(root) != root || (gid_t)setfsgid(root) != root)
		return err_sys(&c->err, errno, "become the owner %u of new files", root);
	return 0;
}

/* ---- joining --------------------------------------------------------------------------------- */

/* The end of all rights on the host: what follows has those of the container's root, no more. */
int child_join_userns(struct child *c)
{
	if (!c->ids.own)
		return 0;
	if (c->userns >= 0 && setns(c->userns, CLONE_NEWUSER) < 0)
		return err_sys(&c->err, errno, "join");
	cleanup_fd(&c->userns);
	if ((c->level.groups && syscall(SYS_setgroups, 0, NULL) < 0) ||
	    syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
		return err_sys(&c->err, errno, "become id 0");
	/* Both the joining and the change of ids clear it. */
	return child_die_with_supervisor(c);
}

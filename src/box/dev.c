/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dev: the container's /dev: a tmpfs of its own with six nodes, the usual links and the devices that
 * it is given, never the image's files. Stage one makes it, because a user namespace may make no
 * nodes; stage two mounts what belongs to its namespaces.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "box/child.h"
#include "box/dev.h"
#include "box/mounting.h"
#include "box/sys.h"

#define NOBODY 65534

static const struct {
	const char *name;
	unsigned major, minor;
} nodes[DEV_NODES] = {
	{ "null", 1, 3 },   { "zero", 1, 5 },	 { "full", 1, 7 },
	{ "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" },	 { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "core", "/proc/kcore" },	 { "ptmx", "pts/ptmx" },
};

static const char *const folders[] = { "pts", "shm", "mqueue" };

enum dev_place dev_place(const char *name, dev_t number)
{
	size_t len = strcspn(name, "/");

	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		if (!strncmp(nodes[i].name, name, len) && !nodes[i].name[len])
			return !name[len] && number == makedev(nodes[i].major, nodes[i].minor)
				       ? DEV_THERE
				       : DEV_TAKEN;
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (!strncmp(links[i].name, name, len) && !links[i].name[len])
			return DEV_TAKEN;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (!strncmp(folders[i], name, len) && !folders[i][len])
			return DEV_TAKEN;
	return DEV_FREE;
}

static int fill(int dev, bool nested)
{
	mode_t mode = (nested ? S_IFREG : S_IFCHR) | 0666;

	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		if (mknodat(dev, nodes[i].name, mode,
			    nested ? 0 : makedev(nodes[i].major, nodes[i].minor)) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i].target, dev, links[i].name) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (mkdirat(dev, folders[i], 0755) < 0)
			return -1;
	return 0;
}

/* ---- one level below the host ---------------------------------------------------------------- */

/*
 * Root of a user namespace may make no nodes, and none of a file system that it has mounted would open anything (SB_I_NODEV). So
 * those of the host are shown, on files of their names.
 */
static int open_node(struct child *c, const char *path, dev_t number)
{
	int fd = mounting_copy(AT_FDCWD, path, false);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || mounting_propagate(fd, MS_PRIVATE, false) < 0 ||
	    mounting_restrict(fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, false) < 0) {
		err_sys(&c->err, errno, "'%s' of the host", path);
		cleanup_fd(&fd);
	} else if (!(S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) || st.st_rdev != number) {
		err_set(&c->err, "'%s' of the host is another device than it should be", path);
		cleanup_fd(&fd);
	}
	return fd;
}

/* Before the host's mounts are left. The child of a slot has no start, and needs no more than the first one. */
int child_open_devices(struct child *c)
{
	size_t n = c->launch ? DEV_NODES : 1;
	char path[32];

	for (size_t i = 0; c->level.nested && i < n; i++) {
		snprintf(path, sizeof(path), "/dev/%s", nodes[i].name);
		c->dev_tree[i] = open_node(c, path, makedev(nodes[i].major, nodes[i].minor));
		if (c->dev_tree[i] < 0)
			return -1;
	}
	for (size_t i = 0; c->level.nested && c->launch && i < c->launch->n_nodes; i++) {
		struct launch_node *node = &c->launch->nodes[i];

		node->tree = open_node(c, node->source, node->number);
		if (node->tree >= 0)
			continue;
		c->err.line = node->line;
		return -1;
	}
	return 0;
}

static int show_node(int tree, int dirfd, const char *name)
{
	_cleanup_fd_ int at = sys_open_plain(dirfd, name, O_PATH);

	return at < 0 ? -1 : mounting_attach(tree, at);
}

static int show_nodes(struct child *c, int dev)
{
	for (size_t i = 0; c->level.nested && i < ARRAY_LEN(nodes); i++)
		if (show_node(c->dev_tree[i], dev, nodes[i].name) < 0)
			return err_sys(&c->err, errno, "show '/dev/%s'", nodes[i].name);
	return 0;
}

/* ---- devices of the host --------------------------------------------------------------------- */

int child_make_node(struct child *c, int dirfd, const char *name, const struct launch_node *n)
{
	uid_t uid = n->uid >= c->ids.count ? NOBODY : n->uid;
	gid_t gid = n->gid >= c->ids.count ? NOBODY : n->gid;

	if (c->level.nested)
		return mknodat(dirfd, name, S_IFREG | 0600, 0) < 0 ||
				       show_node(n->tree, dirfd, name) < 0
			       ? -1
			       : 0;
	if (mknodat(dirfd, name, n->mode, n->number) < 0)
		return -1;
	return fchownat(dirfd, name, c->ids.first + uid, c->ids.first + gid, AT_SYMLINK_NOFOLLOW);
}

/* The folder of a path below /dev, where it is missing made. Nothing there can be a link but those of ours. */
static int open_folder(int dev, const char *path, size_t len)
{
	char folder[PATH_MAX];

	if (len >= sizeof(folder)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(folder, path, len);
	folder[len] = '\0';
	if (path_mkdirs(dev, folder, 0755) < 0)
		return -1;
	return sys_open_plain(dev, folder, O_PATH | O_DIRECTORY);
}

static int make_below(struct child *c, int dev, const struct launch_node *n)
{
	const char *path = n->target + strlen("/dev/"), *slash = strrchr(path, '/');
	_cleanup_fd_ int folder = slash ? open_folder(dev, path, (size_t)(slash - path)) : -1;

	if (slash && folder < 0)
		return -1;
	return child_make_node(c, slash ? folder : dev, slash ? slash + 1 : path, n);
}

/* Two may be of one name, by a folder and by itself: the first one stays. */
static int make_given(struct child *c, int dev)
{
	const struct launch *l = c->launch;

	for (size_t i = 0; i < l->n_nodes; i++) {
		const struct launch_node *n = &l->nodes[i];

		if (!path_is_within(n->target, "/dev") || !make_below(c, dev, n) || errno == EEXIST)
			continue;
		err_sys(&c->err, errno, "make '%s'", n->target);
		c->err.line = n->line;
		return -1;
	}
	return 0;
}

/* ---- the steps ------------------------------------------------------------------------------- */

/* `mount` onto the folder `name` below dirfd, which must be a folder and no link. */
static int attach_at(struct child *c, int mount, int dirfd, const char *name)
{
	_cleanup_fd_ int at = sys_open_plain(dirfd, name, O_PATH | O_DIRECTORY);

	if (at < 0 && (errno == ELOOP || errno == ENOTDIR))
		return err_set(&c->err, "'/%s' of the image is not a folder", name);
	if (at < 0 || mounting_attach(mount, at) < 0)
		return err_sys(&c->err, errno, "mount on '/%s'", name);
	return 0;
}

/* Its own, or that of whoever it shares the ipc namespace with. */
static int mount_shm(struct child *c)
{
	const char *const options[] = { "size", c->launch->shm_size, "mode", "1777", NULL };
	_cleanup_fd_ int shm = take_fd(&c->shm);

	if (shm < 0)
		shm = mounting_new("tmpfs", options,
				   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (shm < 0)
		return err_sys(&c->err, errno, "tmpfs");
	return attach_at(c, shm, c->root, "dev/shm");
}

int child_make_devices(struct child *c)
{
	static const char *const options[] = { "size", "64k", "mode", "0755", NULL };
	_cleanup_fd_ int dev =
		mounting_new("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	bool no_shm = c->shm < 0 && !c->launch->shm_size[0];

	if (dev < 0)
		return err_sys(&c->err, errno, "tmpfs");
	/* A place for the terminal that stage two makes. */
	if (fill(dev, c->level.nested) < 0 || (no_shm && unlinkat(dev, "shm", AT_REMOVEDIR) < 0) ||
	    (c->want_term && mknodat(dev, "console", S_IFREG | 0600, 0) < 0))
		return err_sys(&c->err, errno, "fill /dev");
	/* Nothing can be shown in it before it has a place (before Linux 6.15). */
	if (attach_at(c, dev, c->root, "dev") < 0 || show_nodes(c, dev) < 0 ||
	    make_given(c, dev) < 0)
		return -1;
	return no_shm ? 0 : mount_shm(c);
}

int child_mount_terminals(struct child *c)
{
	/* The group `tty` of every distribution, where there is such an id. */
	bool tty = c->ids.count > 5;
	const char *const pts_options[] = { "newinstance", NULL,   "ptmxmode",	       "0666",
					    "mode",	   "0620", tty ? "gid" : NULL, "5",
					    NULL };
	static const char *const no_options[] = { NULL };
	_cleanup_fd_ int pts =
		mounting_new("devpts", pts_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	_cleanup_fd_ int queues = -1;

	if (pts < 0)
		return err_sys(&c->err, errno, "devpts");
	if (attach_at(c, pts, c->root, "dev/pts") < 0)
		return -1;
	queues = mounting_new("mqueue", no_options,
			      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	/* A kernel without message queues. */
	if (queues < 0)
		return errno == ENODEV ? 0 : err_sys(&c->err, errno, "mqueue");
	return attach_at(c, queues, c->root, "dev/mqueue");
}

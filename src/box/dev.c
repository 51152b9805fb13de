/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dev: the container's /dev: a tmpfs of its own with six nodes, the usual links and the devices that
 * it is given, never the image's files. Stage one makes it, because a user namespace may make no
 * nodes; stage two mounts what belongs to its namespaces.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
} nodes[] = {
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

static int fill(int dev)
{
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		if (mknodat(dev, nodes[i].name, S_IFCHR | 0666,
			    makedev(nodes[i].major, nodes[i].minor)) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i].target, dev, links[i].name) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (mkdirat(dev, folders[i], 0755) < 0)
			return -1;
	return 0;
}

/* ---- devices of the host --------------------------------------------------------------------- */

int child_make_node(struct child *c, int dirfd, const char *name, const struct launch_node *n)
{
	uid_t uid = c->ids && n->uid >= BOX_IDS ? NOBODY : n->uid;
	gid_t gid = c->ids && n->gid >= BOX_IDS ? NOBODY : n->gid;

	if (mknodat(dirfd, name, n->mode, n->number) < 0)
		return -1;
	return fchownat(dirfd, name, c->ids + uid, c->ids + gid, AT_SYMLINK_NOFOLLOW);
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
	if (fill(dev) < 0 || (no_shm && unlinkat(dev, "shm", AT_REMOVEDIR) < 0) ||
	    (c->want_term && mknodat(dev, "console", S_IFREG | 0600, 0) < 0))
		return err_sys(&c->err, errno, "fill /dev");
	if (make_given(c, dev) < 0)
		return -1;
	if (attach_at(c, dev, c->root, "dev") < 0)
		return -1;
	return no_shm ? 0 : mount_shm(c);
}

int child_mount_terminals(struct child *c)
{
	static const char *const pts_options[] = { "newinstance", NULL,	 "ptmxmode", "0666", "mode",
						   "0620",	  "gid", "5",	     NULL };
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

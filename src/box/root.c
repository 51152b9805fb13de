/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * root: the steps of stage one that build a container's root: layers, covers, volumes. Called by
 * the table in child.c.
 *
 * Sources are the host's and are opened by their paths before the slot's mount namespace is
 * entered. Targets are the image's: they are resolved once, inside the root, and what is mounted
 * goes onto that descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/child.h"
#include "box/mounting.h"
#include "box/source.h"
#include "box/sys.h"

/* ---- sources --------------------------------------------------------------------------------- */

static int open_folder_mount(struct child *c, const char *path)
{
	int fd = mounting_copy(AT_FDCWD, path, false);

	if (fd >= 0 && !mounting_propagate(fd, MS_PRIVATE, false))
		return fd;
	/*
	 * The mounts of the host are locked one level below it: a folder is not shown without what is mounted in it, since somebody might have
	 * wanted to hide what is below (mount_namespaces(7)), and an overlay takes none with.
	 */
	if (fd < 0 && errno == EINVAL && c->level.nested)
		err_set(&c->err,
			"'%s': other file systems are mounted in it, and only root may show it without "
			"them: take a folder with none, or an image",
			path);
	else
		err_sys(&c->err, errno, "'%s'", path);
	cleanup_fd(&fd);
	return -1;
}

int child_open_layer(struct child *c, const char *path)
{
	int fd = open_folder_mount(c, path);

	if (fd >= 0 && child_map_ids(c, fd, path, false) < 0)
		cleanup_fd(&fd);
	return fd;
}

int child_open_sources(struct child *c)
{
	struct launch *l = c->launch;

	for (size_t i = 0; i < l->n_lower; i++) {
		l->lower_tree[i] = child_open_layer(c, l->lower[i]);
		if (l->lower_tree[i] < 0)
			return -1;
	}
	if (l->upper_base) {
		l->upper_tree = open_folder_mount(c, l->upper_base);
		if (l->upper_tree < 0)
			return -1;
	}
	return child_open_parts(c) < 0 ? -1 : source_open_all(c);
}

/* ---- layers ---------------------------------------------------------------------------------- */

int child_enter_slot(struct child *c)
{
	if (setns(c->mntns, CLONE_NEWNS) < 0)
		return err_sys(&c->err, errno, "join its mount namespace");
	/* Mounts of this start go into a copy, which ends with the container. */
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(&c->err, errno, "copy its mount namespace");
	umask(0);
	return 0;
}

/*
 * Short names, `0:1:2`, so that fifty layers fit into the one page of options that the kernel
 * takes.
 */
int child_attach_named(struct child *c, int tree, const char *name)
{
	_cleanup_fd_ int at = -1;

	if (mkdir(name, 0700) < 0 && errno != EEXIST)
		return err_sys(&c->err, errno, "make '%s'", name);
	at = open(name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0 || mounting_attach(tree, at) < 0)
		return err_sys(&c->err, errno, "attach '%s'", name);
	return 0;
}

/* Within one boot what was written is still in the page cache, whatever the mark says. */
static int forget_volatile(struct child *c)
{
	const char *const *mark = c->launch->volatile_mark;

	if (!mark[0])
		return 0;
	if ((unlinkat(AT_FDCWD, mark[0], 0) < 0 && errno != ENOENT) ||
	    (unlinkat(AT_FDCWD, mark[1], AT_REMOVEDIR) < 0 && errno != ENOENT))
		return err_sys(&c->err, errno, "remove the mark '%s'", mark[1]);
	return 0;
}

/*
 * The upper layer is not id-mapped but belongs to the mapped root, as its files will. Once: later it
 * has the owner that the container gave to its root folder.
 */
static int own_upper(struct child *c)
{
	const char *path = c->launch->upper_path;
	struct stat st;

	if (!c->ids.first)
		return 0;
	if (stat(path, &st) < 0 ||
	    (!st.st_uid && !st.st_gid && chown(path, c->ids.first, c->ids.first) < 0))
		return err_sys(&c->err, errno, "owner of the upper layer '%s'", path);
	return 0;
}

int child_mount_overlay(struct child *c, const char *target, unsigned long flags,
			const char *options)
{
	char all[LAUNCH_OPTIONS_MAX + sizeof(",userxattr")];

	snprintf(all, sizeof(all), "%s%s", options, c->level.nested ? ",userxattr" : "");
	return mount("overlay", target, "overlay", flags, all);
}

int child_make_system_folders(struct child *c)
{
	static const char *const names[] = { "proc", "sys", "dev" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (mkdirat(c->root, names[i], 0755) < 0 && errno != EEXIST)
			return err_sys(&c->err, errno, "make '/%s'", names[i]);
	return 0;
}

/* As it is, with the container's ids. */
static int mount_folder(struct child *c)
{
	struct launch *l = c->launch;
	int tree = l->lower_tree[0];

	if (!l->privileged && mounting_restrict(tree, MOUNT_ATTR_NODEV, false) < 0)
		return err_sys(&c->err, errno, "'%s'", l->lower[0]);
	return child_attach_named(c, tree, SLOT_ROOT);
}

static int mount_overlay(struct child *c)
{
	struct launch *l = c->launch;
	char name[24];

	for (size_t i = 0; i < l->n_lower; i++) {
		snprintf(name, sizeof(name), "%zu", i);
		if (child_attach_named(c, l->lower_tree[i], name) < 0)
			return -1;
	}
	if (l->upper_base && child_attach_named(c, l->upper_tree, SLOT_UPPER) < 0)
		return -1;
	if (forget_volatile(c) < 0 || own_upper(c) < 0)
		return -1;
	if (child_mount_overlay(c, SLOT_ROOT, l->privileged ? 0 : MS_NODEV, l->overlay_options) < 0)
		return err_sys(&c->err, errno, "overlay of %zu layers on '%s'", l->n_lower,
			       l->upper_base ? l->upper_base : "tmpfs");
	return 0;
}

/* The layer that takes what is written is the root itself, and parts of the host's are shown in it. */
static int mount_upper(struct child *c)
{
	_cleanup_fd_ int tree = mounting_copy(AT_FDCWD, SLOT_UPPER "/upper", false);

	if (tree < 0 ||
	    (!c->launch->privileged && mounting_restrict(tree, MOUNT_ATTR_NODEV, false) < 0))
		return err_sys(&c->err, errno, "tmpfs");
	return child_attach_named(c, tree, SLOT_ROOT);
}

static int mount_root(struct child *c)
{
	if (c->launch->n_parts)
		return mount_upper(c);
	return c->launch->writable_root ? mount_folder(c) : mount_overlay(c);
}

int child_mount_layers(struct child *c)
{
	if (c->groups >= 0 && child_attach_named(c, c->groups, SLOT_GROUPS) < 0)
		return -1;
	if (mount_root(c) < 0)
		return -1;
	c->root = open(SLOT_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return c->root < 0 ? err_sys(&c->err, errno, "open") : child_mount_parts(c);
}

int child_protect_root(struct child *c)
{
	if (!c->launch->read_only)
		return 0;
	if (mounting_restrict(c->root, MOUNT_ATTR_RDONLY, false) < 0)
		return err_sys(&c->err, errno, "restrict");
	return child_protect_parts(c);
}

int child_make_cwd(struct child *c)
{
	char place[PATH_MAX];

	if (path_resolve_in(c->root, c->launch->cwd, place) < 0 ||
	    path_mkdirs(c->root, place, 0755) < 0)
		return err_sys(&c->err, errno, "'%s'", c->launch->cwd);
	return 0;
}

/* ---- covers ---------------------------------------------------------------------------------- */

/* An empty folder over a folder, nothing over a file; what is not there needs no cover. */
static int cover(struct child *c, const char *path)
{
	_cleanup_fd_ int at = path_open_in(c->root, path, O_PATH, 0), tree = -1;
	struct stat st;

	if (at < 0)
		return errno == ENOENT ? 0 : err_sys(&c->err, errno, "'%s'", path);
	if (fstat(at, &st) < 0)
		return err_sys(&c->err, errno, "'%s'", path);
	tree = mounting_copy(AT_FDCWD, S_ISDIR(st.st_mode) ? SLOT_EMPTY : SLOT_NULL, false);
	if (tree < 0 || mounting_restrict(tree, MOUNT_ATTR_RDONLY, false) < 0 ||
	    mounting_attach(tree, at) < 0)
		return err_sys(&c->err, errno, "'%s'", path);
	return 0;
}

int child_cover(struct child *c)
{
	for (const char *const *p = c->launch->covers; *p; p++)
		if (cover(c, *p) < 0)
			return -1;
	return 0;
}

/* ---- volumes --------------------------------------------------------------------------------- */

/* Makes an empty file as a mount point, with the folders above it. */
static int make_file(int root, const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	int fd;

	if (len >= sizeof(folder)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(folder, path, len);
	folder[len] = '\0';
	if (len && path_mkdirs(root, folder, 0755) < 0)
		return -1;
	fd = path_open_in(root, path, O_CREAT | O_RDONLY | O_NOCTTY | O_NONBLOCK, 0644);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/* What is not there is made, also where a link of the image leads to nothing: that means a place within the root. */
static int open_target(int root, const struct launch_mount *m)
{
	int fd = path_open_in(root, m->target, O_PATH, 0);
	char place[PATH_MAX];
	struct stat st;

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (fstat(m->tree, &st) < 0 || path_resolve_in(root, m->target, place) < 0)
		return -1;
	if ((S_ISDIR(st.st_mode) ? path_mkdirs(root, place, 0755) : make_file(root, place)) < 0)
		return -1;
	return path_open_in(root, place, O_PATH, 0);
}

/*
 * Why nothing may be mounted there, or NULL. `path` is what the target resolved to, inside the
 * root.
 */
static const char *forbidden(const char *path)
{
	static const char *const nodes[] = { "/dev/null",   "/dev/zero",    "/dev/full",
					     "/dev/random", "/dev/urandom", "/dev/tty",
					     "/dev/ptmx",   "/dev/pts",	    "/dev/mqueue",
					     "/dev/fd" };

	if (!strcmp(path, "/"))
		return "it is the root itself";
	if (path_is_within(path, "/proc") || path_is_within(path, "/sys"))
		return "/proc and /sys are the kernel's";
	if (!strcmp(path, "/dev"))
		return "/dev is made by mstack";
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		if (path_is_within(path, nodes[i]))
			return "it would replace a standard device";
	return NULL;
}

/*
 * The kernel tells where a descriptor really is: links of the image cannot lead astray unnoticed.
 */
static int check_target(struct child *c, int at, const char *target)
{
	char link[32], path[PATH_MAX];
	const char *inside, *why;
	ssize_t n;

	snprintf(link, sizeof(link), "self/fd/%d", at);
	n = readlinkat(c->proc, link, path, sizeof(path) - 1);
	if (n < 0)
		return err_sys(&c->err, errno, "'%s'", target);
	path[n] = '\0';
	if (!path_is_within(path, "/" SLOT_ROOT))
		return err_set(&c->err, "'%s' leads out of the root", target);
	inside = path + strlen("/" SLOT_ROOT);
	inside = *inside ? inside : "/";
	why = forbidden(inside);
	if (why && strcmp(inside, target))
		return err_set(&c->err, "refused to mount on '%s', which is '%s': %s", target,
			       inside, why);
	return why ? err_set(&c->err, "refused to mount on '%s': %s", target, why) : 0;
}

/*
 * Into the slot's small tmpfs: whatever the container makes of the file, it fills no disk of the
 * host's. All are removed first, so that one which it filled leaves room for the others.
 */
static void remove_files(const struct launch *l)
{
	char name[32];

	for (size_t i = 0; i < l->n_mounts; i++) {
		snprintf(name, sizeof(name), SLOT_FILE, i);
		if (l->mounts[i].type == BOX_FILE)
			unlink(name);
	}
}

/* The mode comes last: a change of the owner takes bits of it away. */
static int make_own_file(struct child *c, const char *name, const struct launch_mount *m)
{
	_cleanup_fd_ int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, m->text, m->text_len);
	if (n >= 0 && (size_t)n != m->text_len)
		errno = ENOSPC;
	if (n != (ssize_t)m->text_len ||
	    fchown(fd, c->ids.first + m->uid, c->ids.first + m->gid) < 0)
		return -1;
	return fchmod(fd, m->file_mode);
}

/* What is to be done about an id that a container does not have. */
static const char *more_ids(const struct child *c)
{
	return c->level.nested ? "get more for your user in /etc/subuid and /etc/subgid"
			       : "write `userns_mode: host`";
}

static int open_own_file(struct child *c, struct launch_mount *m, size_t nr)
{
	uint64_t attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
			 (m->read_only ? MOUNT_ATTR_RDONLY : 0);
	char name[32];

	snprintf(name, sizeof(name), SLOT_FILE, nr);
	if (m->uid >= c->ids.count || m->gid >= c->ids.count)
		return err_set(&c->err,
			       "owner %u:%u of '%s': a container has the ids 0 to %u here; take "
			       "lower ones, or %s",
			       m->uid, m->gid, m->target, c->ids.count - 1, more_ids(c));
	if (make_own_file(c, name, m) < 0)
		return err_sys(&c->err, errno, "write '%s'", m->target);
	m->tree = mounting_copy(AT_FDCWD, name, false);
	if (m->tree < 0 || mounting_restrict(m->tree, attrs, false) < 0)
		return err_sys(&c->err, errno, "file for '%s'", m->target);
	return 0;
}

static int open_tmpfs(struct child *c, struct launch_mount *m)
{
	const char *const options[] = { "mode", m->mode, m->size[0] ? "size" : NULL, m->size,
					NULL };

	m->tree = mounting_new("tmpfs", options,
			       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
				       (m->read_only ? MOUNT_ATTR_RDONLY : 0));
	return m->tree < 0 ? err_sys(&c->err, errno, "tmpfs for '%s'", m->target) : 0;
}

/* The kernel says no more than "invalid argument" when a file meets a folder. */
static int check_types(struct child *c, const struct launch_mount *m, int at)
{
	struct stat host, image;

	if (fstat(m->tree, &host) < 0 || fstat(at, &image) < 0)
		return err_sys(&c->err, errno, "'%s'", m->target);
	if (S_ISDIR(host.st_mode) == S_ISDIR(image.st_mode))
		return 0;
	if (S_ISDIR(host.st_mode))
		return err_set(
			&c->err,
			"'%s' is a file in the image, but '%s' is a folder (which is made when "
			"there is nothing of that name on the host)",
			m->target, m->source ? m->source : "tmpfs");
	return err_set(&c->err,
		       "'%s' is a folder in the image, but '%s' is a file: name the file in the "
		       "target too",
		       m->target, m->source ? m->source : m->target);
}

static int mount_volume(struct child *c, const struct launch_mount *m)
{
	_cleanup_fd_ int at = open_target(c->root, m);

	if (at < 0)
		return err_sys(&c->err, errno, "make '%s'", m->target);
	if (check_target(c, at, m->target) < 0 || check_types(c, m, at) < 0)
		return -1;
	if (mounting_attach(m->tree, at) < 0)
		return err_sys(&c->err, errno, "mount on '%s'", m->target);
	return 0;
}

/* What has no source on the host. */
static int make_source(struct child *c, struct launch_mount *m, size_t nr)
{
	switch (m->type) {
	case BOX_BIND:
	case BOX_MOUNTED:
	case BOX_IMAGE:
		break;
	case BOX_TMPFS:
		return open_tmpfs(c, m);
	case BOX_FILE:
		return open_own_file(c, m, nr);
	}
	return 0;
}

/*
 * The root may hold no devices of use, so one outside of /dev lies in the slot's own memory, and is shown where it shall be.
 */
static int mount_node(struct child *c, const struct launch_node *n, size_t nr)
{
	struct launch_mount m = { .source = "device", .target = n->target };
	_cleanup_fd_ int tree = -1;
	char name[32];

	snprintf(name, sizeof(name), SLOT_NODE, nr);
	if (c->level.nested)
		tree = fcntl(n->tree, F_DUPFD_CLOEXEC, 3);
	else if ((unlink(name) < 0 && errno != ENOENT) || child_make_node(c, AT_FDCWD, name, n) < 0)
		return err_sys(&c->err, errno, "make '%s'", n->target);
	else
		tree = mounting_copy(AT_FDCWD, name, false);
	m.tree = tree;
	if (tree < 0 || mounting_restrict(tree, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, false) < 0)
		return err_sys(&c->err, errno, "device for '%s'", n->target);
	return mount_volume(c, &m);
}

static int mount_nodes(struct child *c)
{
	const struct launch *l = c->launch;

	for (size_t i = 0; i < l->n_nodes; i++) {
		if (path_is_within(l->nodes[i].target, "/dev") || !mount_node(c, &l->nodes[i], i))
			continue;
		c->err.line = l->nodes[i].line;
		return -1;
	}
	return 0;
}

int child_mount_volumes(struct child *c)
{
	const struct launch *l = c->launch;

	remove_files(l);
	for (size_t i = 0; i < l->n_mounts; i++) {
		struct launch_mount *m = &l->mounts[i];

		if (make_source(c, m, i) == 0 && mount_volume(c, m) == 0)
			continue;
		c->err.line = m->line;
		return -1;
	}
	return mount_nodes(c);
}

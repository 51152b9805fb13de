/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device: which nodes of the host a container gets, found before the clone. Called by launch.c; the child makes nodes like them
 * (dev.c below /dev, root.c elsewhere).
 *
 * Nodes are made anew and not bound, so that they can belong to the container's ids: what root or a group may do with the node
 * outside, root or the group of that number may do with it inside. One level below the host none can be made: there the host's own
 * is shown, with its owner, and what may be done with it is what the user may.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/dev.h"
#include "box/launch.h"
#include "mstack/base_level.h"

#define LEVELS_MAX 16
#define NODES_MAX  4096 /* the kernel follows 8192 open branches of a program, a device has two */
#define DEV	   "/dev/"

struct nodes {
	struct VEC(struct launch_node) list;
	struct arena *arena;
	const struct box_device *device; /* that is being looked at */
	bool below;			 /* a folder, and not itself a device */
	bool nested; /* one level below the host: what the user may not open is of no use to root inside */
	struct err *err;
};

static bool is_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
}

/* ---- one node -------------------------------------------------------------------------------- */

/* 1 it is to be made, 0 it is there anyway or shall be left out, -1 it cannot be. */
static int check_place(struct nodes *n, const struct stat *st, const char *target)
{
	const char *name = target + strlen(DEV);
	enum dev_place place;

	if (path_is_within(target, "/proc") || path_is_within(target, "/sys") ||
	    !strcmp(target, "/") || !strcmp(target, "/dev"))
		return err_set(n->err, "nothing can be made at '%s'", target);
	if (!path_is_within(target, "/dev"))
		return 1;
	place = dev_place(name, st->st_rdev);
	if (place == DEV_TAKEN && !n->below)
		return err_set(n->err, "refused to make '%s': it would replace a standard device",
			       target);
	/* The host's console is not the container's, and what else is found in a folder must not be an obstacle. */
	return place == DEV_FREE && !(n->below && !strcmp(name, "console"));
}

static int add_node(struct nodes *n, const struct stat *st, const char *source, const char *target)
{
	int make = check_place(n, st, target);

	if (make <= 0)
		return make;
	if (n->list.n >= NODES_MAX)
		return err_set(n->err, "'%s': more than %d devices", n->device->source, NODES_MAX);
	vec_push(&n->list, ((struct launch_node){
				   .source = arena_strdup(n->arena, source),
				   .target = arena_strdup(n->arena, target),
				   .mode = st->st_mode & (S_IFMT | 0777),
				   .number = st->st_rdev,
				   .uid = st->st_uid,
				   .gid = st->st_gid,
				   .access = n->device->access,
				   .line = n->device->line,
				   .tree = -1,
			   }));
	return 0;
}

/* ---- folders --------------------------------------------------------------------------------- */

static int add_folder(struct nodes *n, int fd, const char *source, const char *target,
		      unsigned levels);

static bool is_usable(int folder, const char *name)
{
	return !faccessat(folder, name, R_OK, AT_EACCESS) ||
	       !faccessat(folder, name, W_OK, AT_EACCESS);
}

/* What goes away meanwhile was never there. Other file systems below (devpts, shm, mqueue) are the container's own. */
static int add_entry(struct nodes *n, int folder, dev_t fs, const char *name, const char *source,
		     const char *target, unsigned levels)
{
	_cleanup_free_ char *from = xasprintf("%s/%s", source, name);
	_cleanup_free_ char *path = xasprintf("%s/%s", target, name);
	_cleanup_fd_ int fd = -1;
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (is_device(&st))
		return n->nested && !is_usable(folder, name) ? 0 : add_node(n, &st, from, path);
	if (!S_ISDIR(st.st_mode) || st.st_dev != fs || !levels)
		return 0;
	fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? 0 : add_folder(n, fd, from, path, levels - 1);
}

static int add_folder(struct nodes *n, int fd, const char *source, const char *target,
		      unsigned levels)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0), rc = 0;
	_cleanup_closedir_ DIR *dir = own < 0 ? NULL : fdopendir(own);
	struct dirent *e;
	struct stat st;

	if (!dir || fstat(fd, &st) < 0)
		return err_sys(n->err, errno, "look into '%s'", n->device->source);
	while (!rc && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = add_entry(n, fd, st.st_dev, e->d_name, source, target, levels);
	return rc;
}

/* ---- all ------------------------------------------------------------------------------------- */

/* Opened without meaning it: a device may answer to being opened. */
static int add_device(struct nodes *n, const struct box_device *d)
{
	_cleanup_fd_ int fd = open(d->source, O_PATH | O_CLOEXEC), folder = -1;
	struct stat st;

	n->device = d;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(n->err, errno, "'%s'", d->source);
	n->below = S_ISDIR(st.st_mode);
	if (is_device(&st))
		return add_node(n, &st, d->source, d->target);
	if (!n->below)
		return err_set(n->err, "'%s' is neither a device nor a folder of them", d->source);
	folder = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder < 0 ? err_sys(n->err, errno, "look into '%s'", d->source)
			  : add_folder(n, folder, d->source, d->target, LEVELS_MAX);
}

static int add_all(struct nodes *n, const struct box_spec *spec)
{
	static const struct box_device whole = { "/dev", "/dev", BOX_DEV_ALL, 0 };

	if (spec->privileged && add_device(n, &whole) < 0)
		return -1;
	for (size_t i = 0; i < spec->n_devices; i++) {
		if (!add_device(n, &spec->devices[i]))
			continue;
		if (n->err)
			n->err->line = spec->devices[i].line;
		return -1;
	}
	return 0;
}

int launch_nodes(struct launch *l, const struct box_spec *spec, struct err *err)
{
	struct nodes n = { .arena = l->arena, .err = err, .nested = level_get().nested };
	int rc = add_all(&n, spec);

	l->n_nodes = n.list.n;
	l->nodes = arena_array(l->arena, struct launch_node, n.list.n);
	if (n.list.n)
		memcpy(l->nodes, n.list.v, sizeof(*l->nodes) * n.list.n);
	vec_fini(&n.list);
	return rc < 0 ? err_wrap(err, "devices") : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parts: the host's own root as that of a container one level below the host. Mounts of the host are locked there: a folder is not
 * shown without what is mounted in it, since somebody might have wanted to hide what is below (mount_namespaces(7)), and an
 * overlay takes none with. So whatever has no mount below it is one part, an overlay of its own; a folder with a mount below is made
 * anew, and so are places of mounts, which are empty as they are in the host's root. All that is written goes to the slot's tmpfs,
 * which is the container's root itself.
 *
 * What there is, is found before the clone (called by launch.c); the rest are steps of stage one. The container may have put links in
 * the place of folders that were made for it, so no path in it is followed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/child.h"
#include "box/mountinfo.h"
#include "box/mounting.h"
#include "box/sys.h"

#define PARTS_MAX 1024

/* ---- what there is --------------------------------------------------------------------------- */

struct finding {
	struct VEC(struct launch_part) list;
	struct VEC(char *) mounts;
	struct buf table;
	struct arena *arena;
	struct err *err;
};

static void finding_fini(struct finding *f)
{
	vec_fini(&f->list);
	vec_fini(&f->mounts);
	buf_fini(&f->table);
}

static int read_mounts(struct finding *f)
{
	char *rest, *line, *point;

	if (mountinfo_read(&f->table, f->err) < 0)
		return -1;
	for (rest = f->table.data; (line = strsep(&rest, "\n"));) {
		point = mountinfo_point(line);
		if (point)
			vec_push(&f->mounts, point);
	}
	return 0;
}

static bool is_mounted(const struct finding *f, const char *path)
{
	for (size_t i = 0; i < f->mounts.n; i++)
		if (!strcmp(f->mounts.v[i], path))
			return true;
	return false;
}

static bool has_mounts_below(const struct finding *f, const char *path)
{
	for (size_t i = 0; i < f->mounts.n; i++)
		if (path_is_within(f->mounts.v[i], path) && strcmp(f->mounts.v[i], path) != 0)
			return true;
	return false;
}

static int find_in(struct finding *f, const char *folder);

static int add_folder(struct finding *f, struct launch_part *part, const char *path)
{
	bool split = has_mounts_below(f, path);

	/* Who may not look into it finds it empty. */
	part->kind = is_mounted(f, path) || split || access(path, R_OK | X_OK) < 0 ? PART_EMPTY
										   : PART_TREE;
	vec_push(&f->list, *part);
	return split && !is_mounted(f, path) ? find_in(f, path) : 0;
}

static int add_link(struct finding *f, struct launch_part *part, const char *path)
{
	char *to = arena_alloc(f->arena, PATH_MAX);
	ssize_t n = readlink(path, to, PATH_MAX - 1);

	if (n < 0)
		return 0;
	to[n] = '\0';
	part->kind = PART_LINK;
	part->link = to;
	vec_push(&f->list, *part);
	return 0;
}

/* What goes away meanwhile was never there; pipes, sockets and devices of the host are nothing for a container. */
static int add_entry(struct finding *f, const char *folder, const char *name)
{
	struct launch_part part = {
		.path = arena_printf(f->arena, "%s/%s", strcmp(folder, "/") ? folder : "", name),
		.above = strcmp(folder, "/") ? arena_strdup(f->arena, folder + 1) : ".",
		.name = arena_strdup(f->arena, name),
		.tree = -1,
	};
	struct stat st;

	if (lstat(part.path, &st) < 0)
		return 0;
	if (f->list.n >= PARTS_MAX)
		return err_set(f->err,
			       "'/': the mounts of the host leave it in more than %d parts: take a "
			       "folder, or an image as busybox",
			       PARTS_MAX);
	part.mode = st.st_mode & 07777;
	if (S_ISDIR(st.st_mode))
		return add_folder(f, &part, part.path);
	if (S_ISLNK(st.st_mode))
		return add_link(f, &part, part.path);
	part.kind = PART_FILE;
	if (S_ISREG(st.st_mode))
		vec_push(&f->list, part);
	return 0;
}

static int find_in(struct finding *f, const char *folder)
{
	_cleanup_closedir_ DIR *dir = opendir(folder);
	const struct dirent *e;
	int rc = 0;

	if (!dir)
		return errno == EACCES ? 0 : err_sys(f->err, errno, "look into '%s'", folder);
	while (!rc && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = add_entry(f, folder, e->d_name);
	return rc;
}

int launch_parts(struct launch *l, struct err *err)
{
	_cleanup_(finding_fini) struct finding f = { .arena = l->arena, .err = err };

	if (read_mounts(&f) < 0 || find_in(&f, "/") < 0)
		return -1;
	l->n_parts = f.list.n;
	l->parts = arena_array(l->arena, struct launch_part, f.list.n);
	if (f.list.n)
		memcpy(l->parts, f.list.v, sizeof(*l->parts) * f.list.n);
	return 0;
}

/* ---- opening --------------------------------------------------------------------------------- */

int child_open_parts(struct child *c)
{
	const struct launch *l = c->launch;

	for (size_t i = 0; i < l->n_parts; i++) {
		struct launch_part *p = &l->parts[i];

		if (p->kind != PART_TREE && p->kind != PART_FILE)
			continue;
		p->tree = mounting_copy(AT_FDCWD, p->path, false);
		if (p->tree < 0 && errno == ENOENT) {
			p->kind = PART_GONE;
			continue;
		}
		if (p->tree < 0 || mounting_propagate(p->tree, MS_PRIVATE, false) < 0)
			return err_sys(&c->err, errno, "'%s'", p->path);
	}
	return 0;
}

/* ---- mounting -------------------------------------------------------------------------------- */

/* Removed on the host since it was opened: it can be mounted nowhere any more, and its place stays empty. */
static int skip_removed(struct child *c, struct launch_part *p)
{
	struct stat st;

	if (c->err.sys != ENOENT || fstat(p->tree, &st) < 0 || st.st_nlink > 0)
		return -1;
	c->err = (struct err){ 0 };
	p->kind = PART_GONE;
	return 0;
}

/* What is there from the start before stays. */
static int make_place(const struct child *c, const struct launch_part *p)
{
	_cleanup_fd_ int above = sys_open_plain(c->root, p->above, O_PATH | O_DIRECTORY);
	int rc = -1;

	if (above < 0)
		return -1;
	switch (p->kind) {
	case PART_EMPTY:
	case PART_TREE:
		rc = mkdirat(above, p->name, p->mode);
		break;
	case PART_FILE:
		rc = mknodat(above, p->name, S_IFREG | p->mode, 0);
		break;
	case PART_LINK:
		rc = symlinkat(p->link, above, p->name);
		break;
	case PART_GONE:
		return 0;
	}
	return rc < 0 && errno == EEXIST ? 0 : rc;
}

/* Each overlay has a work folder of its own, below that of the slot. */
static void work_folder(size_t nr, char *ret, size_t size)
{
	snprintf(ret, size, "%s/%s/%zu", SLOT_UPPER, "work", nr);
}

/* By descriptors, since the container may have changed what leads there. */
static int show_tree(struct child *c, struct launch_part *p, size_t nr, int upper)
{
	_cleanup_fd_ int at = sys_open_plain(c->root, p->path + 1, O_PATH | O_DIRECTORY);
	_cleanup_fd_ int in = sys_open_plain(upper, p->path + 1, O_PATH | O_DIRECTORY);
	char name[24], work[48], target[32], options[128];

	if (at < 0 || in < 0)
		return err_sys(&c->err, errno, "open '%s'", p->path);
	snprintf(name, sizeof(name), "%zu", nr);
	work_folder(nr, work, sizeof(work));
	snprintf(target, sizeof(target), "/proc/self/fd/%d", at);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=/proc/self/fd/%d,workdir=%s", name,
		 in, work);
	if (child_attach_named(c, p->tree, name) < 0)
		return skip_removed(c, p);
	if (mkdir(work, 0700) < 0 && errno != EEXIST)
		return err_sys(&c->err, errno, "make '%s'", work);
	if (child_mount_overlay(c, target, c->launch->privileged ? 0 : MS_NODEV, options) < 0)
		return err_sys(&c->err, errno, "overlay on '%s'", p->path);
	cleanup_fd(&p->tree);
	p->tree = sys_open_plain(c->root, p->path + 1, O_PATH | O_DIRECTORY);
	return p->tree < 0 ? err_sys(&c->err, errno, "open '%s'", p->path) : 0;
}

/* A file cannot be laid over another one, so nobody writes to it. */
static int show_file(struct child *c, struct launch_part *p)
{
	_cleanup_fd_ int at = sys_open_plain(c->root, p->path + 1, O_PATH);

	if (at < 0 || mounting_restrict(p->tree, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, false) < 0 ||
	    mounting_attach(p->tree, at) < 0) {
		err_sys(&c->err, errno, "show '%s'", p->path);
		return skip_removed(c, p);
	}
	return 0;
}

int child_mount_parts(struct child *c)
{
	const struct launch *l = c->launch;
	_cleanup_fd_ int upper = open(SLOT_UPPER "/upper", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < l->n_parts; i++) {
		struct launch_part *p = &l->parts[i];

		if (make_place(c, p) < 0)
			return err_sys(&c->err, errno, "make '%s'", p->path);
		if ((p->kind == PART_TREE && show_tree(c, p, i, upper) < 0) ||
		    (p->kind == PART_FILE && show_file(c, p) < 0))
			return -1;
	}
	return 0;
}

/* Each by itself: what the file mounts on them, volumes, stays what it is. */
int child_protect_parts(struct child *c)
{
	const struct launch *l = c->launch;

	for (size_t i = 0; i < l->n_parts; i++)
		if (l->parts[i].kind == PART_TREE &&
		    mounting_restrict(l->parts[i].tree, MOUNT_ATTR_RDONLY, false) < 0)
			return err_sys(&c->err, errno, "restrict '%s'", l->parts[i].path);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source: see source.h. Paths of the host are opened by the names that the user gave them; what lies below one of them, as a
 * `subpath`, is resolved beneath it only, once, and what is mounted is what was found.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box/mounting.h"
#include "box/source.h"
#include "box/sys.h"

/* ---- below a source -------------------------------------------------------------------------- */

static int explain_subpath(struct child *c, const struct launch_mount *m, int why)
{
	if (why == ENOENT || why == ENOTDIR)
		return err_sys(&c->err, 0, "subpath '%s' of '%s': it is not there: make it first",
			       m->subpath, m->source);
	if (why == EXDEV || why == ELOOP)
		return err_sys(&c->err, 0, "subpath '%s' of '%s': a link in it leads out of there",
			       m->subpath, m->source);
	return err_sys(&c->err, why, "subpath '%s' of '%s'", m->subpath, m->source);
}

/* A detached copy of the mount at `path`, or of what `subpath` names below that. */
static int copy_below(struct child *c, const struct launch_mount *m, const char *path)
{
	_cleanup_fd_ int base = -1, at = -1;
	int fd;

	if (!m->subpath) {
		fd = mounting_copy(AT_FDCWD, path, true);
		return fd < 0 ? err_sys(&c->err, errno, "'%s' for '%s'", m->source, m->target) : fd;
	}
	base = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (base < 0)
		return err_sys(&c->err, errno, "'%s' for '%s'", m->source, m->target);
	at = sys_open_beneath(base, m->subpath, O_PATH);
	if (at < 0)
		return explain_subpath(c, m, errno);
	fd = mounting_copy(at, "", true);
	return fd < 0 ? explain_subpath(c, m, errno) : fd;
}

/* ---- each kind ------------------------------------------------------------------------------- */

/* Whole below the folder, as the user sees it, but no device of it is of use, unless the file speaks of devices. */
static int open_tree_of(struct child *c, struct launch_mount *m, const char *path)
{
	static const unsigned propagation[] = {
		[BOX_PRIVATE] = MS_PRIVATE, [BOX_SLAVE] = MS_SLAVE, [BOX_SHARED] = MS_SHARED
	};
	const struct launch *l = c->launch;
	uint64_t attrs = (l->privileged || l->n_device_rules ? 0 : MOUNT_ATTR_NODEV) |
			 (m->read_only ? MOUNT_ATTR_RDONLY : 0);

	m->tree = copy_below(c, m, path);
	if (m->tree < 0)
		return -1;
	if (mounting_propagate(m->tree, propagation[m->propagation], true) < 0 ||
	    mounting_restrict(m->tree, attrs, true) < 0)
		return err_sys(&c->err, errno, "'%s' for '%s'", m->source, m->target);
	return child_map_ids(c, m->tree, m->source, true);
}

/* A volume with a file system of its own lies in a mount namespace that only the supervisor holds. */
static int open_mounted(struct child *c, struct launch_mount *m)
{
	char name[VOLUME_PATH_SIZE];

	if (!c->in_volumes && setns(c->volumes, CLONE_NEWNS) < 0)
		return err_sys(&c->err, errno, "volume '%s': join its mounts", m->source);
	c->in_volumes = true;
	snprintf(name, sizeof(name), "/" VOLUMES "/%s", m->source);
	return open_tree_of(c, m, name);
}

static int open_layers(struct child *c, struct launch_mount *m)
{
	for (size_t i = 0; i < m->n_lower; i++) {
		m->lower_tree[i] = child_open_layer(c, m->lower[i]);
		if (m->lower_tree[i] < 0)
			return -1;
	}
	return 0;
}

static int open_source(struct child *c, struct launch_mount *m)
{
	switch (m->type) {
	case BOX_BIND:
		return open_tree_of(c, m, m->source);
	case BOX_MOUNTED:
		return open_mounted(c, m);
	case BOX_IMAGE:
		return open_layers(c, m);
	case BOX_TMPFS:
	case BOX_FILE:
		break; /* made in the slot */
	}
	return 0;
}

/* Those of the host first: whoever joins the mounts of the volumes does not see them any more. */
int source_open_all(struct child *c)
{
	const struct launch *l = c->launch;

	for (size_t i = 0; i < l->n_mounts; i++)
		l->mounts[i].tree = -1;
	for (int mounted = 0; mounted < 2; mounted++)
		for (size_t i = 0; i < l->n_mounts; i++) {
			struct launch_mount *m = &l->mounts[i];

			if ((m->type == BOX_MOUNTED) != mounted || !open_source(c, m))
				continue;
			c->err.line = m->line;
			return -1;
		}
	return 0;
}

/* ---- images ---------------------------------------------------------------------------------- */

/* The layers under short names, `3.0:3.1`, below them an empty one: an overlay without an upper layer wants two at least. */
static int mount_image(struct child *c, struct launch_mount *m, size_t nr)
{
	_cleanup_fd_ int root = -1, at = -1;
	char name[48];

	for (size_t i = 0; i < m->n_lower; i++) {
		snprintf(name, sizeof(name), SLOT_IMAGE ".%zu", nr, i);
		if (child_attach_named(c, m->lower_tree[i], name) < 0)
			return -1;
	}
	snprintf(name, sizeof(name), SLOT_IMAGE, nr);
	if (mkdir(name, 0755) < 0 && errno != EEXIST)
		return err_sys(&c->err, errno, "make '%s'", name);
	if (child_mount_overlay(c, name, MS_RDONLY | MS_NODEV, m->overlay_options) < 0)
		return err_sys(&c->err, errno, "image '%s': overlay of %zu layers", m->source,
			       m->n_lower);
	root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	at = root < 0 ? -1 : path_open_in(root, m->subpath ? m->subpath : ".", O_PATH, 0);
	if (at < 0)
		return m->subpath ? explain_subpath(c, m, errno)
				  : err_sys(&c->err, errno, "image '%s'", m->source);
	m->tree = mounting_copy(at, "", false);
	return m->tree < 0 ? err_sys(&c->err, errno, "image '%s'", m->source) : 0;
}

int child_mount_images(struct child *c)
{
	const struct launch *l = c->launch;

	for (size_t i = 0; i < l->n_mounts; i++) {
		if (l->mounts[i].type != BOX_IMAGE || !mount_image(c, &l->mounts[i], i))
			continue;
		c->err.line = l->mounts[i].line;
		return -1;
	}
	return 0;
}

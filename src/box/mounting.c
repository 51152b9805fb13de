/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mounting: see mounting.h. The file descriptor calls for mounts (Linux 5.2 and later): nothing is
 * mounted by a path that somebody could swap in the meantime.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "box/mounting.h"

int mounting_new(const char *fs, const char *const *options, unsigned attrs)
{
	_cleanup_fd_ int ctx = fsopen(fs, FSOPEN_CLOEXEC);
	/* Programs show the source; without one it is "none". */
	int rc = ctx < 0 ? -1 : fsconfig(ctx, FSCONFIG_SET_STRING, "source", fs, 0);

	for (; !rc && *options; options += 2)
		rc = fsconfig(ctx, options[1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, options[0],
			      options[1], 0);
	if (!rc)
		rc = fsconfig(ctx, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	return rc < 0 ? -1 : fsmount(ctx, FSMOUNT_CLOEXEC, attrs);
}

int mounting_copy(int dirfd, const char *path, bool recursive)
{
	return open_tree(dirfd, path,
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (*path ? 0 : AT_EMPTY_PATH) |
				 (recursive ? AT_RECURSIVE : 0));
}

static int set_attr(int mount, struct mount_attr *attr, bool recursive)
{
	return mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), attr,
			     sizeof(*attr));
}

int mounting_restrict(int mount, uint64_t attrs, bool recursive)
{
	struct mount_attr attr = { .attr_set = attrs };

	return set_attr(mount, &attr, recursive);
}

int mounting_map_ids(int mount, int userns, bool recursive)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns };

	return set_attr(mount, &attr, recursive);
}

int mounting_propagate(int mount, unsigned how, bool recursive)
{
	struct mount_attr attr = { .propagation = how };

	return set_attr(mount, &attr, recursive);
}

int mounting_attach(int mount, int target)
{
	return move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int mounting_become_root(int root)
{
	_cleanup_fd_ int at = -1;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	/* Any folder will do as the place, and this one is there. */
	at = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0 || mounting_attach(root, at) < 0 || fchdir(root) < 0 ||
	    syscall(SYS_pivot_root, ".", ".") < 0)
		return -1;
	return umount2(".", MNT_DETACH) < 0 ? -1 : chdir("/");
}

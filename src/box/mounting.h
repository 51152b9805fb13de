/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mounting: words for mounts by descriptor, used by the child's steps. Each returns -1 with errno,
 * nothing allocates.
 */
#ifndef BOX_MOUNTING_H
#define BOX_MOUNTING_H

#include <sys/mount.h>

#include "mstack/base.h"

/*
 * A new file system as a detached mount. `options`: name, value, name, value, NULL; a NULL value is
 * a flag.
 */
int mounting_new(const char *fs, const char *const *options, unsigned attrs);
/* A detached copy of the mount at this path; `recursive` takes along what is mounted below. */
int mounting_copy(int dirfd, const char *path, bool recursive);
/* Adds attributes (MOUNT_ATTR_*) to the mount of this descriptor. */
int mounting_restrict(int mount, uint64_t attrs, bool recursive);
/* Shows a detached mount with the ids of this user namespace (MOUNT_ATTR_IDMAP). */
int mounting_map_ids(int mount, int userns, bool recursive);
/* What a copy has to do with the peers that it came from: MS_PRIVATE nothing, MS_SLAVE, MS_SHARED. */
int mounting_propagate(int mount, unsigned how, bool recursive);
/* A detached mount becomes the root, and the only mount, of this mount namespace. */
int mounting_become_root(int root);
/* Puts a detached mount onto the place that the descriptor `target` stands for. */
int mounting_attach(int mount, int target);

#endif

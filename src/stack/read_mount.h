/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read_mount: `volumes` and `tmpfs` of a service, which end in one list of mounts. */
#ifndef STACK_READ_MOUNT_H
#define STACK_READ_MOUNT_H

#include "stack/values.h"

struct mount_list VEC(struct stack_mount);

/* The long form, as its table of keys fills it. */
struct mount_draft {
	struct stack_str type, source, target;
	bool read_only;
	struct stack_str propagation;
	bool no_host_path;	/* create_host_path: false */
	bool nocopy;
	struct stack_num tmpfs_size, tmpfs_mode;
};

VALUE_READER(read_volumes);	/* struct mount_list */
VALUE_READER(read_tmpfs);	/* struct mount_list */
VALUE_READER(read_mount_bind);	/* struct mount_draft, the three sub-maps of the long form */
VALUE_READER(read_mount_volume);
VALUE_READER(read_mount_tmpfs);
VALUE_READER(read_create_host_path);	/* bool no_host_path */

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read_mount: `volumes` and `tmpfs` of a service, which end in one list of mounts. */
#ifndef STACK_READ_MOUNT_H
#define STACK_READ_MOUNT_H

#include "stack/values.h"

struct mount_list VEC(struct stack_mount);

VALUE_READER(read_volumes);	/* struct mount_list */
VALUE_READER(read_tmpfs);	/* struct mount_list */

#endif

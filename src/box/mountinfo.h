/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mountinfo: the kernel's table of the mounts that we see (proc_pid_mountinfo(5)). */
#ifndef BOX_MOUNTINFO_H
#define BOX_MOUNTINFO_H

#include "mstack/base.h"

/* The whole table, one mount in each line. */
int mountinfo_read(struct buf *ret, struct err *err);
/* Where the mount of this line is, cut out of it; NULL when it is none. */
char *mountinfo_point(char *line);

#endif

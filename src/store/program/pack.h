/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pack.h: what is in a folder becomes a tar.
 */
#ifndef STORE_PROGRAM_PACK_H
#define STORE_PROGRAM_PACK_H

#include "store/program/unpack.h"

/*
 * Writes a tar of `task->name` in the working directory (a name, or `.`: the folder itself) to task->archive, in which that is
 * called `task->as` (`.`: only what is in it). Follows no link, and enters no file system that shows the kernel's own state.
 * Returns 0 with the closing line for people in `ret`.
 */
int store_pack(const struct store_task *task, struct buf *ret, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper: a process that sets the user's terminal back when ours is killed. For commands that have it in raw mode and nobody else
 * who would do that; exec has its escort.
 */
#ifndef CLI_KEEPER_H
#define CLI_KEEPER_H

#include "mstack/base.h"

/* Remembers the terminal `fd` as it is now. A descriptor that keeper_release takes; -1: there is none, which is no error. */
int keeper_start(int fd);
/* The terminal is as it was: it has nothing to do any more. */
void keeper_release(int keeper);

#endif

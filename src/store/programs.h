/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * programs.h: the programs of store that have fewer rights than we.
 */
#ifndef STORE_PROGRAMS_H
#define STORE_PROGRAMS_H

#include <spawn.h>

#include "mstack/base.h"

/* Beside our own program, or where `make install` puts it, or what the variable says. NULL: there is none. Caller frees. */
char *store_program_find(const char *name, const char *variable);
/* Default signals, none blocked: whatever the supervisor does with its own. 0, else no memory. */
int store_program_signals(posix_spawnattr_t *attr);

#endif

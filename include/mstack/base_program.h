/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base_program: the programs beside mstack, which have fewer rights than it: where they are, and how they are started. A part
 * of the door of base.
 */
#ifndef MSTACK_BASE_PROGRAM_H
#define MSTACK_BASE_PROGRAM_H

#include <spawn.h>

#include "mstack/base.h"

/* Where they are instead, for tests. */
#define UNPACKER_VARIABLE "MSTACK_STORE_BIN"
#define FETCHER_VARIABLE  "MSTACK_FETCH_BIN"
#define HELPER_VARIABLE	  "MSTACK_NET_BIN"

/* Beside our own program, or where `make install` puts it, or what the variable says. NULL: there is none. Caller frees. */
char *program_find(const char *name, const char *variable);
/*
 * posix_spawnp(3) with default signals, none blocked, whatever the supervisor does with its own. 0 and *ret_pid, else an errno.
 */
int program_spawn(const char *program, const posix_spawn_file_actions_t *files, char *const *argv, char *const *env,
		  pid_t *ret_pid);
/* The same in a session of its own, where no key of our terminal and no end of it reaches the program. */
int program_spawn_apart(const char *program, const posix_spawn_file_actions_t *files, char *const *argv, char *const *env,
			pid_t *ret_pid);
/* What we were called with, as the kernel keeps it: words, ended by NULL, that lie in `text`. NULL: not known. Caller frees the list. */
char **program_words(struct buf *text);

#endif

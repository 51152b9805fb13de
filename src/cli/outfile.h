/* SPDX-License-Identifier: GPL-2.0-or-later */
/* outfile: what a command prints, into the file of --output. */
#ifndef CLI_OUTFILE_H
#define CLI_OUTFILE_H

#include "mstack/stack.h"

/*
 * As compose a file that is there is written over, but not one that was read: its comments and variables would be gone. Through a link
 * into the file itself; what is no file (a pipe, /dev/stdout) is written into. `command` is that of errors.
 */
int cli_write_file(const char *command, const struct stack *s, const char *path,
		   const struct buf *text, struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table: columns of text, on standard output or in a buffer.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "mstack/base.h"

struct cli_table;

/* `heads` are the names of the columns; NULL-terminated. */
struct cli_table *cli_table_new(const char *const *heads);
/* One cell per column, copied; NULL is an empty one. */
void cli_table_row(struct cli_table *t, const char *const *cells);
/* Prints and frees. A table without rows is its line of heads. */
void cli_table_print(struct cli_table *t);
/* The same into a buffer. */
void cli_table_add(struct cli_table *t, struct buf *out);

#endif

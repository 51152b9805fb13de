/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rows: a list of objects as a command prints it: one object of JSON per line, or a table of some of their values.
 */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include <jansson.h>

#include "cli/option.h"

struct cli_column {
	const char *head, *key;
};

/* With --format json all of each object, else the columns (ended by one without a head; values are strings or integers). */
void cli_rows_print(const struct cli_options *o, const json_t *rows, const struct cli_column *columns);
/* The table alone, into a buffer. */
void cli_rows_add(const json_t *rows, const struct cli_column *columns, struct buf *out);
void cli_rows_print_json(const json_t *rows);
/* Text of a container as a string of JSON: control characters are made visible, what is no UTF-8 too. */
json_t *cli_harmless_string(const char *text);

#endif

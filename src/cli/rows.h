/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rows: a list of objects as a command prints it: one object of JSON per line, a table of some of their values, or what a
 * template makes of each.
 */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include <jansson.h>

#include "cli/option.h"

/* Values are strings, integers, or true, which is "yes"; anything else is left out. */
struct cli_column {
	const char *head, *key;
};

/*
 * By --format: all of each object, the columns (ended by one without a head), a template, or with "table TEMPLATE" a table of
 * it. 0, or -1: the template names what the rows do not have.
 */
int cli_rows_print(const struct cli_options *o, const json_t *rows,
		   const struct cli_column *columns, struct err *err);
/* Is it for people: a table, that may be drawn over another? */
bool cli_rows_is_table(const struct cli_options *o);
/* The table alone, into a buffer. */
void cli_rows_add(const json_t *rows, const struct cli_column *columns, struct buf *out);
void cli_rows_print_json(const json_t *rows);
/* Text of a container as a string of JSON: control characters are made visible, what is no UTF-8 too. */
json_t *cli_harmless_string(const char *text);

#endif

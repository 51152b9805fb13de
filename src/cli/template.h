/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * template: the part of Go's templates that people write behind --format, as docker knows it: text, {{.Key}}, {{.Key.Below}}, {{.}},
 * {{"text"}}, and json, upper, lower, title before a value or behind a |. Pure.
 */
#ifndef CLI_TEMPLATE_H
#define CLI_TEMPLATE_H

#include "cli/rows.h"

/* Is it one that can be read? 0, or -1 with an error of kind ERR_USAGE that says where and what is known. */
int cli_template_check(const char *text, struct err *err);
/* Adds what it makes of an object; text of it is made harmless. A key that the object does not have is an error as above. */
int cli_template_add(const char *text, const json_t *row, struct buf *out, struct err *err);
/* The line of heads for it: of each value the head of its column, or its key. Functions are left out. */
void cli_template_heads(const char *text, const struct cli_column *columns, struct buf *out);

#endif

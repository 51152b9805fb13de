/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keys: how the format is written down. Each map of it has one table, static in the file that knows this map; a row says
 * for one key what kinds of values it takes, how it merges over the same key of an earlier file, how it is brought to its
 * canonical form, what stands below it, and what becomes of it (see enum verdict). Every key of the compose specification has a
 * row, so that what we lack is told apart from a slip of the pen. A new key is a new row. Rows stand in the order of the
 * alphabet: that is the order of the canonical form.
 *
 * What stands in a stack file for other tools to read is WARN; what would change the running container is REFUSE, so
 * that a stack never runs as something else than was asked for.
 */
#ifndef STACK_KEYS_H
#define STACK_KEYS_H

#include "stack/form.h"

#define NUL NODE_NULL /* without it, an empty value means "not given" and the key is left out */
#define STR NODE_STRING
#define NUM NODE_NUMBER
#define BOO NODE_BOOL
#define LST NODE_LIST
#define MAP NODE_MAP

/* DONE("ports", LST, AS(form_ports), BELOW(port_keys)) */
/* clang-format off */
#define DONE(key, kind, ...) { .name = key, .kinds = kind, .verdict = KEY_DONE, ##__VA_ARGS__ }
#define WARN(key, kind, effect, ...) { .name = key, .kinds = kind, .verdict = KEY_WARN, .note = effect, ##__VA_ARGS__ }
#define REFUSE(key, kind, instead, ...) \
	{ .name = key, .kinds = kind, .verdict = KEY_REFUSE, .note = instead, ##__VA_ARGS__ }
#define AS(f) .form = f
#define BELOW(t) .below = &(t)
/* What of a key that is done is not: its form refuses the rest; the manual says so. */
#define ONLY(text) .note = text
#define MERGES(rule) .merge = MERGE_##rule
#define MERGES_BY(key) .merge = MERGE_BY, .by = key
#define JOINS_BY(key) .merge = MERGE_JOIN, .by = key
#define TABLE(rows) { .keys = rows, .n = ARRAY_LEN(rows) }
/* A map whose keys the user chooses: all values are as this one row says. */
#define CHOSEN(row) { .any = &(row) }
/* The same, but for those that have rows. */
#define CHOSEN_BESIDE(rows, row) { .keys = rows, .n = ARRAY_LEN(rows), .any = &(row) }
/* clang-format on */

/* Reasons that stand in several tables. */
#define CLUSTER	  "it is for clusters"
#define DESCRIBES "it only describes"
#define WINDOWS	  "it is for Windows only"

#endif

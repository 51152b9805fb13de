/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keys: how the rows of a table of keys are written. Each map of the format has one table, in the file that reads this
 * map; it names every key of the compose specification with the kinds that it takes and what becomes of it (see enum
 * verdict), so that what we lack is told apart from a slip of the pen. A new key is a new row.
 *
 * What stands in a stack file for other tools to read is WARN; what would change the running container is REFUSE, so
 * that a stack never runs as something else than was asked for.
 */
#ifndef STACK_KEYS_H
#define STACK_KEYS_H

#include "stack/values.h"

#define STR NODE_STRING
#define NUM NODE_NUMBER
#define BOO NODE_BOOL
#define LST NODE_LIST
#define MAP NODE_MAP

/* clang-format off */
#define DONE(name, kinds, read, type, field) { name, kinds, KEY_DONE, NULL, read, offsetof(struct type, field) }
/* The reader fills several fields, or none. */
#define WHOLE(name, kinds, read) { name, kinds, KEY_DONE, NULL, read, 0 }
#define KNOWN(name, kinds) { name, kinds, KEY_KNOWN, NULL, NULL, 0 }
#define WARN(name, kinds, effect) { name, kinds, KEY_WARN, effect, NULL, 0 }
#define REFUSE(name, kinds, instead) { name, kinds, KEY_REFUSE, instead, NULL, 0 }
#define TABLE(table) { table, ARRAY_LEN(table) }
/* clang-format on */

/* Reasons that stand in several tables. */
#define CLUSTER "it is for clusters"
#define DESCRIBES "it only describes"
#define BIND_INSTEAD "bind the file read-only under 'volumes'"

#endif

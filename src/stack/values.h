/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * values: readers of single values that many keys share. All have the shape that a row of a key table wants: the node's
 * kind is checked by then, the field is what the name says, and a value that is wrong leaves it as it was.
 */
#ifndef STACK_VALUES_H
#define STACK_VALUES_H

#include "stack/envset.h"
#include "stack/reader.h"

#define VALUE_READER(name) \
	void name(struct reader *r, const struct where *w, const struct node *n, void *field)

VALUE_READER(value_string);	/* struct stack_str; not empty */
VALUE_READER(value_text);	/* struct stack_str; may be empty */
VALUE_READER(value_bool);	/* bool */
VALUE_READER(value_int);	/* struct stack_num */
VALUE_READER(value_bytes);	/* struct stack_num; not negative */
VALUE_READER(value_duration);	/* struct stack_num, in ns; not negative */
VALUE_READER(value_strings);	/* struct stack_strs; from a list of strings */
VALUE_READER(value_words);	/* struct stack_strs; from a string as a shell splits it, or a list */
VALUE_READER(value_pairs);	/* struct stack_kvs; from a map or a list of a=b, every value a string */

VALUE_READER(value_not);	/* bool that holds the opposite: `required: false` */
VALUE_READER(value_later);	/* const struct node *, to be read when all of the map was seen */
VALUE_READER(value_only_false);	/* nothing: true is not supported yet */

/* As value_pairs, into an envset; a name without a value gets NULL. */
void value_collect(struct reader *r, const struct where *w, const struct node *n, struct envset *into);
/* Is it one of these words? */
bool value_is_one_of(const char *text, const char *const *words, size_t n);
/* Decimal, 0x, 0o, 0b, 0777, with a sign and underscores, as YAML numbers are. 0 or -1. */
int value_parse_int(const char *s, int64_t *ret);
/* A path with `.`, `..` and double slashes resolved by its text alone; relative ones below `dir`. */
char *value_clean_path(struct arena *arena, const char *dir, const char *path);

#endif

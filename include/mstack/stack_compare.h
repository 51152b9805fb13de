/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stack_compare: in what two stacks differ, key by key, in their canonical forms. A part of the door of stack. What is equal there
 * means the same, however it is written in the files.
 */
#ifndef MSTACK_STACK_COMPARE_H
#define MSTACK_STACK_COMPARE_H

#include "mstack/stack.h"

/* Borrowed for the call. Texts are JSON in one line, but a plain text stands as it is. */
struct stack_difference {
	const char *key;		/* below what is compared: "environment.DEBUG", "ports[0].published" */
	const char *from, *to;		/* NULL: not there */
};
typedef void stack_difference_fn(void *arg, const struct stack_difference *d);

/*
 * What stands below `section` and `name` ("services", "web") in both; with a name that only one of them has, all of it is one
 * difference with an empty key. Of lists whose entries are no plain texts each entry counts by itself, in no order.
 */
void stack_compare(const struct stack *from, const struct stack *to, const char *section, const char *name,
		   stack_difference_fn *fn, void *arg);
/* Where a key of it stands in the files; the longest beginning of the key that is there. line 0: nowhere. */
struct stack_pos stack_place_of(const struct stack *s, const char *section, const char *name, const char *key);

#endif

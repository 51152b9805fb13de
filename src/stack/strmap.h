/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * strmap: from a string to a number, for finding things that stand twice and for looking up variables. Used inside the
 * stack room wherever a file decides how many names there are; it keeps pointers to keys, never copies of them.
 */
#ifndef STACK_STRMAP_H
#define STACK_STRMAP_H

#include "mstack/base.h"

struct strmap {
	struct strmap_slot *slots;
	size_t n, cap;
};

/*
 * Puts `value` in, unless the key is there already. True: it was new. False: *ret_old (may be NULL) is the value that
 * is kept. The key's bytes must outlive the map.
 * Lengths and values are below 4 G: half as much memory as with any number.
 */
bool strmap_put(struct strmap *m, const char *key, size_t len, size_t value, size_t *ret_old);
bool strmap_get(const struct strmap *m, const char *key, size_t len, size_t *ret);
void strmap_fini(struct strmap *m);

#endif

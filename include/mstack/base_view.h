/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base_view: bytes that are read from front to end, and that may be anything. Whoever reads looks at `bad` once, at the end: from the
 * first thing on that did not fit nothing more is taken.
 */
#ifndef MSTACK_BASE_VIEW_H
#define MSTACK_BASE_VIEW_H

#include "mstack/base.h"

/* What is left to be read; borrowed. Whoever reads may set `bad` for reasons of its own. */
struct view {
	const char *at;
	size_t left;
	bool bad;
};

/* The next `size` bytes, aligned to nothing; NULL when there are not so many, or it was bad before. */
const void *view_take(struct view *v, size_t size);
/* A text up to its NUL, which is taken too: a copy in the arena; NULL as above. */
const char *view_text(struct view *v, struct arena *a);

#endif

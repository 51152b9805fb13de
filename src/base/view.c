/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * view: see base_view.h. For what lies in memory files that another process of ours has written: carry.c here, the memo of box.
 * Nothing is believed of a length before it was compared with what is there.
 */
#include "mstack/base_view.h"

const void *view_take(struct view *v, size_t size)
{
	const void *p = v->at;

	if (size > v->left)
		v->bad = true;
	if (v->bad)
		return NULL;
	v->at += size;
	v->left -= size;
	return p;
}

/* Without a NUL the length is all that is left, and one more than that cannot be taken. */
const char *view_text(struct view *v, struct arena *a)
{
	size_t len = v->bad ? 0 : strnlen(v->at, v->left);
	const char *text = view_take(v, len + 1);

	return text ? arena_strndup(a, text, len) : NULL;
}

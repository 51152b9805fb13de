/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * targets: one entry for each path in the container. Called by the forms of mounts, of tmpfs, of
 * devices and of what configs and secrets a service takes.
 */
#include "stack/targets.h"
#include "stack/form.h"

struct node *targets_put(struct targets *t, const char *path, struct node *entry)
{
	struct node *old;
	size_t at;

	if (strmap_put(&t->seen, path, strlen(path), t->items.n, &at)) {
		vec_push(&t->items, entry);
		return NULL;
	}
	old = t->items.v[at];
	t->items.v[at] = entry;
	return old;
}

bool targets_have(const struct targets *t, const char *path)
{
	size_t at;

	return strmap_get(&t->seen, path, strlen(path), &at);
}

/* Does `pos` stand in the list that this is an entry of? What was merged into it comes from before, or from elsewhere. */
static bool is_own(const struct where *w, struct stack_pos pos)
{
	const struct stack_pos list = w->key ? w->at : w->up->at;

	return pos.file == list.file &&
	       (pos.line > list.line || (pos.line == list.line && pos.col > list.col));
}

void targets_warn(struct reader *r, const struct where *w, const char *path, const struct node *old,
		  const struct node *entry)
{
	if (is_own(w, old->pos) && is_own(w, entry->pos))
		reader_warn(r, w, entry->pos, "'%.80s' is already a target at %s: this one wins",
			    path, reader_place(r, old->pos));
}

struct node *targets_done(struct reader *r, struct stack_pos pos, struct targets *t)
{
	strmap_fini(&t->seen);
	return node_list_done(r->arena, pos, &t->items);
}

/*
 * Cleaned, so that `/a/` and `//a` are found to be one target. Over the root nothing can be mounted:
 * the container is that root, and compose fails at it only when the container is made.
 */
struct node *target_form(struct reader *r, const struct where *w, const struct node *n,
			 const char *text)
{
	char *clean;

	if (*text != '/') {
		reader_error(r, w, n->pos, NULL,
			     "'%.80s': the path in the container must begin with /", text);
		return NULL;
	}
	clean = path_clean(r->arena, "/", text);
	if (clean[1])
		return form_part(r, n, clean);
	reader_error(r, w, n->pos, NULL, "'%.80s': nothing can be mounted over the root", text);
	return NULL;
}

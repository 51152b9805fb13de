/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * active_link: a wire needs both of its services. One that names a service which is in no file stays, for crosscheck_link.c to
 * complain about.
 */
#include "stack/active_link.h"
#include "stack/link_text.h"

static const struct where section = { .key = "x-links" };

/* Of a service that is in the files and not active; NULL: none is. ret_active: a service of the other end is. */
static const struct node *idle_end(const struct node *link, const struct node *kept,
				   const struct node *all, bool *ret_active)
{
	const struct node *ends = node_get(link, "endpoints"), *idle = NULL;

	*ret_active = false;
	for (size_t i = 0; ends && i < ends->n; i++) {
		const char *text = ends->items[i]->text;
		struct link_text t;
		unsigned index;

		if (link_text_parse(text, &t) || t.kind != STACK_END_SERVICE)
			continue;
		if (link_text_service(kept, text, &t, &index))
			*ret_active = true;
		else if (link_text_service(all, text, &t, &index))
			idle = ends->items[i];
	}
	return idle;
}

struct node *active_links(struct reader *r, const struct node *links, const struct node *kept,
			  const struct node *all)
{
	struct node_items items = { 0 };

	for (size_t i = 0; i < links->n; i++) {
		const struct where here = where_item(&section, i);
		bool active;
		const struct node *idle = idle_end(links->items[i], kept, all, &active);

		if (idle && active)
			reader_warn(r, &here, idle->pos,
				    "'%s': this service is not active: the link is not made",
				    idle->text);
		if (!idle)
			vec_push(&items, links->items[i]);
	}
	return node_list_done(r->arena, links->pos, &items);
}

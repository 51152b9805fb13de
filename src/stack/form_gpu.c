/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_gpu: devices that are asked for by what they can do, not by their names: `gpus`, and `devices` among the
 * reservations of `deploy`. None can be given: that needs the libraries of a driver in the container.
 */
#include "stack/attributes.h"
#include "stack/keys.h"

#define COUNT_ALL (-1)

/* A number of devices, or all that there are. */
static FORM(form_count_or_all)
{
	struct node *out = node_copy(r->arena, n);
	int64_t value;

	if (!strcmp(n->text, "all") || !strcmp(n->text, "-1"))
		value = COUNT_ALL;
	else if (text_parse_int(n->text, &value) < 0 || value < 0) {
		reader_error(r, w, n->pos, NULL,
			     "'%.40s' is not a number of devices; write 1 or all", n->text);
		return NULL;
	}
	out->kind = NODE_NUMBER;
	out->number = value;
	out->text = arena_printf(r->arena, "%jd", (intmax_t)value);
	return out;
}

/* One table for both: `gpus` differs only in that the capability goes without saying. */
/* clang-format off */
static const struct key gpu_rows[] = {
	DONE("capabilities", LST, AS(form_strings)),
	DONE("count", STR | NUM, AS(form_count_or_all)),
	DONE("device_ids", LST, AS(form_strings)),
	DONE("driver", STR, AS(form_text)),
	DONE("options", MAP | LST, AS(form_pairs), MERGES(PAIRS)),
};
const struct key_table gpu_keys = TABLE(gpu_rows);
/* clang-format on */

/* Neither a number nor names: all of them. */
static struct node *request(struct reader *r, const struct where *w, const struct node *n)
{
	const struct stack_pos nowhere = { 0 };
	struct node_pairs all = { 0 };

	for (size_t i = 0; i < n->n; i++)
		node_pairs_put(&all, n->pairs[i].key, n->pairs[i].pos, n->pairs[i].value);
	if (!node_find(n, "count") && !node_find(n, "device_ids"))
		node_pairs_put(&all, "count", nowhere,
			       node_new(r->arena, NODE_STRING, nowhere, "all"));
	return form_map(r, w, node_map_done(r->arena, n->pos, &all), &gpu_keys);
}

static struct node *requests(struct reader *r, const struct where *w, const struct node *n,
			     bool named)
{
	struct node_items items = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		const struct node *item = n->items[i];
		struct where here = where_item(w, i);

		if (!reader_check_kind(r, &here, item, NODE_MAP))
			continue;
		if (named)
			form_has(r, &here, item, "capabilities");
		if (node_find(item, "count") && node_find(item, "device_ids"))
			reader_error(r, &here, node_find(item, "device_ids")->pos, NULL,
				     "'count' and 'device_ids' exclude each other");
		vec_push(&items, request(r, &here, item));
	}
	return node_list_done(r->arena, n->pos, &items);
}

FORM(form_device_requests)
{
	return requests(r, w, n, true);
}

/* `all` and a list say the same in the end, so only the list is canonical. */
FORM(form_gpus)
{
	struct node_items items = { 0 };
	struct node_pairs one = { 0 };

	if (n->kind == NODE_LIST)
		return requests(r, w, n, false);
	if (strcmp(n->text, "all") != 0) {
		reader_error(r, w, n->pos, NULL, "'%.40s': write all, or a list of requests",
			     n->text);
		return NULL;
	}
	node_pairs_put(&one, "count", n->pos, form_count_or_all(r, w, n));
	vec_push(&items, node_map_done(r->arena, n->pos, &one));
	return node_list_done(r->arena, n->pos, &items);
}

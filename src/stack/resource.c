/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resource: names and `external` of the entries of top-level sections. Called by form_net, form_volume and form_asset.
 * It knows nothing of what else stands in an entry.
 */
#include "stack/resource.h"
#include "stack/keys.h"
#include "stack/names.h"

/* clang-format off */
static const struct key external_rows[] = {
	DONE("name", STR, AS(form_string)),
};
static const struct key_table external_keys = TABLE(external_rows);
/* clang-format on */

/* `external: {name: NAME}` is how files of the second version have it. */
static const struct node_pair *old_name(struct reader *r, const struct where *w,
					const struct node_pair *external)
{
	struct where here = { w, "external", 0, external->pos };
	const struct node_pair *name =
		node_find(form_map(r, &here, external->value, &external_keys), "name");

	if (name)
		reader_warn(r, &here, name->pos,
			    "an old form: write 'name' and 'external: true' beside each other");
	return name;
}

/* The name that the entry gives, or NULL; an empty one, as from a variable, is none. */
static const struct node_pair *given_name(struct reader *r, const struct where *w,
					  const struct node *n)
{
	const struct node_pair *name = node_find(n, "name"), *old = NULL,
			       *external = node_find(n, "external");

	if (external && external->value->kind == NODE_MAP)
		old = old_name(r, w, external);
	if (!name || (name->value->kind & (NODE_STRING | NODE_NULL) && !*name->value->text))
		return old;
	if (old && strcmp(old->value->text, name->value->text) != 0)
		reader_error(r, w, old->pos, "leave the one in 'external' out",
			     "'name' and 'external.name' differ, %s",
			     reader_place(r, name->value->pos));
	return name;
}

/* The entry with a name and a plain `external`, ready for the table. */
static struct node *prepare(struct reader *r, const struct node *n, const struct node_pair *name)
{
	struct node_pairs all = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		const struct node_pair *pair = &n->pairs[i];
		struct node *value = pair->value;

		if (!strcmp(pair->key, "external") && value->kind == NODE_MAP)
			value = node_bool(r->arena, value->pos, true);
		if (strcmp(pair->key, "name") != 0)
			node_pairs_put(&all, pair->key, pair->pos, value);
	}
	node_pairs_put(&all, "name", name->pos, name->value);
	return node_map_done(r->arena, n->pos, &all);
}

/* The default has no place, and what it is made of has been looked at before. */
FORM(resource_name)
{
	if (n->pos.line && !name_check(r, w, n->pos, n->text))
		return NULL;
	return form_text(r, w, n);
}

struct node *resource_form(struct reader *r, const struct where *w, const struct node *n,
			   const struct key_table *table)
{
	const struct stack_pos nowhere = { 0 };
	struct node_pair fallback = { "name", nowhere, NULL };
	const struct node_pair *name;
	struct node *out;

	if (!name_check(r, w, w->at, w->key))
		return NULL;
	fallback.value = node_new(r->arena, NODE_STRING, nowhere,
				  arena_printf(r->arena, "%s_%s", r->stack->name, w->key));
	name = given_name(r, w, n);
	out = form_map(r, w, prepare(r, n, name ? name : &fallback), table);
	if (!name && resource_is_external(out))
		node_get(out, "name")->text = w->key;
	return out;
}

bool resource_is_external(const struct node *n)
{
	const struct node *external = node_get(n, "external");

	return external && external->number;
}

bool resource_describes(const struct node_pair *pair)
{
	return strcmp(pair->key, "name") != 0 && strcmp(pair->key, "external") != 0 &&
	       strncmp(pair->key, "x-", 2) != 0;
}

bool resource_count(struct reader *r, const struct where *w, const struct node *section,
		    size_t most)
{
	if (section->n <= most)
		return true;
	reader_error(r, w, section->pos, NULL, "%u entries: more than %zu are not taken",
		     section->n, most);
	return false;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_depends: `depends_on` of a service, a list or a map. Called through the table of service
 * keys; whether the services exist is active's question, whether they make a circle crosscheck's.
 */
#include "stack/attributes.h"
#include "stack/keys.h"

/* Known words only: a condition that nobody understands would be a dependency that never holds. */
static FORM(form_condition)
{
	static const char *const words[] = {
		"service_started",
		"service_healthy",
		"service_completed_successfully",
	};

	if (text_is_one_of(n->text, words, ARRAY_LEN(words)))
		return form_text(r, w, n);
	reader_error(r, w, n->pos, reader_suggest(r, n->text, words, ARRAY_LEN(words)),
		     "'%.60s' is not a condition; write service_started, service_healthy or "
		     "service_completed_successfully",
		     n->text);
	return NULL;
}

/* False is what holds without the key. */
static FORM(form_restarts)
{
	struct node *out = form_bool(r, w, n);

	return out && out->number ? out : NULL;
}

/* clang-format off */
static const struct key depend_rows[] = {
	DONE("condition", STR, AS(form_condition)),
	DONE("required", BOO, AS(form_bool)),
	DONE("restart", BOO | STR, AS(form_restarts)),
};
static const struct key_table depend_keys = TABLE(depend_rows);
static const struct key any_depend = DONE("NAME", MAP, BELOW(depend_keys));
const struct key_table depends_keys = CHOSEN(any_depend);
/* clang-format on */

/* What the list form means, and what `required` is without the key. */
static struct node *started(struct reader *r, const struct node *n)
{
	struct node_pairs pairs = { 0 };
	struct node *condition = node_new(r->arena, NODE_STRING, n->pos, "service_started");

	node_pairs_put(&pairs, "condition", n->pos, condition);
	node_pairs_put(&pairs, "required", n->pos, node_bool(r->arena, n->pos, true));
	return node_map_done(r->arena, n->pos, &pairs);
}

/*
 * The schema wants a condition in each entry of the map although the text of the specification does
 * not say so; a file that lacks it would be refused by compose.
 */
static struct node *form_depend(struct reader *r, const struct where *w, const struct node *n)
{
	const struct node *condition = node_get(n, "condition");
	struct node *out;

	if (!reader_check_kind(r, w, n, NODE_MAP))
		return NULL;
	out = form_map(r, w, n, &depend_keys);
	if (!condition || condition->kind == NODE_NULL)
		reader_error(r, w, w->at, "service_started is what the list form means",
			     "'condition' is missing");
	if (!node_get(out, "condition"))
		return NULL;
	if (!node_get(out, "required"))
		out = node_with(r->arena, out, "required",
				node_bool(r->arena, (struct stack_pos){ 0 }, true));
	return out;
}

static void collect_map(struct reader *r, const struct where *w, const struct node *n,
			struct node_pairs *out)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct node_pair *pair = &n->pairs[i];
		struct where here = { w, pair->key, 0, pair->pos };
		struct node *one = form_depend(r, &here, pair->value);

		if (one)
			node_pairs_put(out, pair->key, pair->pos, one);
	}
}

/* Lists of several files are maps by now, so a name that stands twice does so in one of them. */
static void collect_list(struct reader *r, const struct where *w, const struct node *n,
			 struct node_pairs *out)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct node *one = n->items[i];
		const struct node_pair *first;
		struct where here = where_item(w, i);

		if (!reader_check_kind(r, &here, one, NODE_STRING))
			continue;
		first = node_pairs_find(out, one->text);
		if (first)
			reader_error(r, &here, one->pos, NULL,
				     "service '%.64s' is named twice, first at %s", one->text,
				     reader_place(r, first->pos));
		else
			node_pairs_put(out, one->text, one->pos, started(r, one));
	}
}

FORM(form_depends)
{
	struct node_pairs out = { 0 };

	if (n->kind == NODE_MAP)
		collect_map(r, w, n, &out);
	else
		collect_list(r, w, n, &out);
	return node_map_done(r->arena, n->pos, &out);
}

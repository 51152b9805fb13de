/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read_depends: `depends_on` of a service, a list or a map. Called through the table of service
 * keys; whether the edges make a circle is crosscheck's question.
 */
#include "stack/keys.h"
#include "stack/read_service.h"

struct depend_draft {
	struct stack_str condition;
	bool optional, restart;
};

/* `required: false` is kept as its opposite, so that a zeroed draft is the default. */
/* clang-format off */
static const struct key depend_rows[] = {
	DONE("condition", STR, value_text, depend_draft, condition),
	DONE("required", BOO | STR, value_not, depend_draft, optional),
	DONE("restart", BOO | STR, value_bool, depend_draft, restart),
};
static const struct key_table depend_keys = TABLE(depend_rows);
/* clang-format on */

struct depend_list VEC(struct stack_depend);

static bool read_condition(struct reader *r, const struct where *w, struct stack_str text,
			   enum stack_condition *ret)
{
	static const char *const words[] = {
		"service_started",
		"service_healthy",
		"service_completed_successfully",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(words[i], text.text)) {
			*ret = (enum stack_condition)i;
			return true;
		}
	reader_error(r, w, text.pos, reader_suggest(r, text.text, words, ARRAY_LEN(words)),
		     "'%.60s' is not a condition; write service_started, service_healthy or "
		     "service_completed_successfully",
		     text.text);
	return false;
}

static void add_depend(struct reader *r, const struct where *w, struct depend_list *list,
		       const char *name, struct stack_depend d)
{
	d.service = stack_find_service(r->stack, name);
	if (!d.service) {
		reader_error(r, w, d.pos, NULL, "service '%.64s' does not exist", name);
		return;
	}
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].service == d.service) {
			reader_error(r, w, d.pos, NULL,
				     "service '%.64s' is named twice, first at %s", name,
				     reader_place(r, list->v[i].pos));
			return;
		}
	vec_push(list, d);
}

/*
 * The schema wants a condition in each entry of the map although the text of the specification does
 * not say so; a file that lacks it would be refused by compose.
 */
static void read_depends_map(struct reader *r, const struct where *w, const struct node *n,
			     struct depend_list *list)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct node_pair *pair = &n->pairs[i];
		struct where here = { w, pair->key, 0 };
		struct stack_depend d = { .required = true, .pos = pair->pos };
		struct depend_draft draft = { 0 };

		if (!reader_check_kind(r, &here, pair->value, NODE_MAP))
			continue;
		reader_map(r, &here, pair->value, &depend_keys, &draft);
		if (!draft.condition.text) {
			reader_error(r, &here, pair->pos,
				     "service_started is what the list form means",
				     "'condition' is missing");
			continue;
		}
		d.required = !draft.optional;
		d.restart = draft.restart;
		if (read_condition(r, &here, draft.condition, &d.condition))
			add_depend(r, &here, list, pair->key, d);
	}
}

VALUE_READER(read_depends)
{
	struct stack_service *s = field;
	struct depend_list list = { 0 };

	if (n->kind == NODE_MAP)
		read_depends_map(r, w, n, &list);
	for (size_t i = 0; n->kind == NODE_LIST && i < n->n; i++) {
		struct where here = { w, NULL, i };
		struct stack_depend d = { .required = true, .pos = n->items[i]->pos };

		if (reader_check_kind(r, &here, n->items[i], NODE_STRING))
			add_depend(r, &here, &list, n->items[i]->text, d);
	}
	s->depends = reader_keep(r, &list);
	s->n_depends = list.n;
	vec_fini(&list);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_hook: the commands of a service's life: `post_start` and `pre_stop` run inside of its
 * container, `pre_start` before it in one of its own. Called through the table of service keys.
 */
#include "stack/attributes.h"
#include "stack/keys.h"

/* clang-format off */
static const struct key hook_rows[] = {
	DONE("command", NUL | STR | LST, AS(form_words), MERGES(REPLACE)),
	DONE("environment", MAP | LST, AS(form_environment), MERGES(PAIRS)),
	DONE("privileged", BOO | STR, AS(form_bool)),
	DONE("user", STR, AS(form_user)),
	DONE("working_dir", STR, AS(form_working_dir)),
};
const struct key_table hook_keys = TABLE(hook_rows);

static const struct key pre_start_rows[] = {
	DONE("command", NUL | STR | LST, AS(form_words), MERGES(REPLACE)),
	DONE("environment", MAP | LST, AS(form_environment), MERGES(PAIRS)),
	DONE("image", STR, AS(form_image)),
	DONE("per_replica", BOO | STR, AS(form_bool)),
	DONE("privileged", BOO | STR, AS(form_bool)),
	DONE("user", STR, AS(form_user)),
	DONE("working_dir", STR, AS(form_working_dir)),
};
const struct key_table pre_start_keys = TABLE(pre_start_rows);
/* clang-format on */

static bool is_empty(const struct node *command)
{
	return command->kind == NODE_NULL || (command->kind == NODE_LIST && !command->n) ||
	       (command->kind == NODE_STRING && !*command->text);
}

/* An image of its own may bring the command of `pre_start`; the others have nothing to run without it. */
FORM(form_hooks)
{
	bool before = !strcmp(w->key, "pre_start");
	struct node_items items = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		const struct node *one = n->items[i];
		struct where here = where_item(w, i);

		if (!reader_check_kind(r, &here, one, NODE_MAP))
			continue;
		if (!before && !node_find(one, "command"))
			reader_error(r, &here, one->pos, NULL, "'command' is missing");
		else if (!before && is_empty(node_get(one, "command")))
			reader_error(r, &here, one->pos, NULL, "'command' is empty");
		vec_push(&items, form_map(r, &here, one, before ? &pre_start_keys : &hook_keys));
	}
	return node_list_done(r->arena, n->pos, &items);
}

/* `x-exec`: commands, each a text or a list of words. */
FORM(form_node_exec)
{
	struct node_items items = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		const struct node *one = n->items[i];
		struct where here = where_item(w, i);
		struct node *words;

		if (!reader_check_kind(r, &here, one, NODE_STRING | NODE_LIST))
			continue;
		words = form_words(r, &here, one);
		if (words && !words->n)
			reader_error(r, &here, one->pos, NULL, "the command is empty");
		if (words)
			vec_push(&items, words);
	}
	return node_list_done(r->arena, n->pos, &items);
}

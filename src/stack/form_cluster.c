/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_cluster: what is for other engines: watched files, providers, models, credentials of Windows. It is checked and
 * shown; what becomes of it, the rows above these tables say. Called through the tables of the file and of a service.
 */
#include "stack/attributes.h"
#include "stack/keys.h"
#include "stack/sections.h"

/* ---- develop --------------------------------------------------------------------------------- */

static FORM(form_action)
{
	static const char *const words[] = {
		"rebuild", "sync", "restart", "sync+restart", "sync+exec",
	};

	return form_word(r, w, n, words, ARRAY_LEN(words));
}

static FORM(form_exec)
{
	form_has(r, w, n, "command");
	return form_map(r, w, n, &hook_keys);
}

/* clang-format off */
static const struct key watch_rows[] = {
	DONE("action", STR, AS(form_action)),
	DONE("exec", MAP, AS(form_exec), BELOW(hook_keys)),
	DONE("ignore", STR | LST, AS(form_strings)),
	DONE("include", STR | LST, AS(form_strings)),
	DONE("initial_sync", BOO, AS(form_bool)),
	DONE("path", STR, AS(form_path)),
	DONE("target", STR, AS(form_text)),
};
static const struct key_table watch_keys = TABLE(watch_rows);
/* clang-format on */

/* What is only rebuilt or restarted needs no place in the container; what is copied does. */
static void check_watch(struct reader *r, const struct where *w, const struct node *n)
{
	const char *action = node_text(n, "action");

	if (form_has(r, w, n, "action") && form_has(r, w, n, "path") && action &&
	    !strncmp(action, "sync", 4))
		form_has(r, w, n, "target");
}

static FORM(form_watches)
{
	for (size_t i = 0; i < n->n; i++) {
		struct where here = where_item(w, i);

		if (n->items[i]->kind == NODE_MAP)
			check_watch(r, &here, n->items[i]);
	}
	return form_maps(r, w, n, &watch_keys);
}

/* clang-format off */
static const struct key develop_rows[] = {
	DONE("watch", LST, AS(form_watches), BELOW(watch_keys)),
};
const struct key_table develop_keys = TABLE(develop_rows);
/* clang-format on */

/* ---- provider and credential_spec ------------------------------------------------------------ */

/* One value or several: always a list of texts. */
static FORM(form_option)
{
	struct node_items items = { 0 };

	if (n->kind != NODE_LIST)
		vec_push(&items, form_text(r, w, n));
	for (size_t i = 0; n->kind == NODE_LIST && i < n->n; i++) {
		struct where here = where_item(w, i);

		if (reader_check_kind(r, &here, n->items[i], STR | NUM | BOO))
			vec_push(&items, form_text(r, &here, n->items[i]));
	}
	return node_list_done(r->arena, n->pos, &items);
}

/* clang-format off */
static const struct key any_option = DONE("NAME", STR | NUM | BOO | LST, AS(form_option));
static const struct key_table option_keys = CHOSEN(any_option);

static const struct key provider_rows[] = {
	DONE("options", MAP, BELOW(option_keys)),
	DONE("type", STR, AS(form_string)),
};
const struct key_table provider_keys = TABLE(provider_rows);

static const struct key credential_rows[] = {
	DONE("config", STR, AS(form_text)),
	DONE("file", STR, AS(form_text)),
	DONE("registry", STR, AS(form_text)),
};
const struct key_table credential_keys = TABLE(credential_rows);
/* clang-format on */

FORM(form_provider)
{
	form_has(r, w, n, "type");
	return form_map(r, w, n, &provider_keys);
}

/* ---- models ---------------------------------------------------------------------------------- */

/* clang-format off */
static const struct key service_model_rows[] = {
	DONE("endpoint_var", STR, AS(form_string)),
	DONE("model_var", STR, AS(form_string)),
};
static const struct key_table service_model_keys = TABLE(service_model_rows);

static const struct key any_service_model = DONE("NAME", NUL | MAP, BELOW(service_model_keys));
const struct key_table service_models_keys = CHOSEN(any_service_model);

static FORM(form_model);

static const struct key model_rows[] = {
	DONE("context_size", NUM, AS(form_count)),
	DONE("model", STR, AS(form_string)),
	DONE("name", STR, AS(form_string)),
	DONE("runtime_flags", LST, AS(form_strings)),
};
static const struct key_table model_keys = TABLE(model_rows);

static const struct key any_model = DONE("NAME", NUL | MAP, AS(form_model), BELOW(model_keys));
const struct key_table models_keys = CHOSEN(any_model);
/* clang-format on */

static FORM(form_model)
{
	form_has(r, w, n, "model");
	return n->kind == NODE_MAP ? form_map(r, w, n, &model_keys) : NULL;
}

/* A name alone leaves the names of the variables to the runner. */
FORM(form_service_models)
{
	struct node_pairs out = { 0 };

	if (n->kind == NODE_MAP)
		return form_map(r, w, n, &service_models_keys);
	for (size_t i = 0; i < n->n; i++) {
		const struct node *item = n->items[i];
		struct where here = where_item(w, i);

		if (reader_check_kind(r, &here, item, NODE_STRING))
			node_pairs_put(&out, item->text, item->pos,
				       node_new(r->arena, NODE_NULL, item->pos, NULL));
	}
	return node_map_done(r->arena, n->pos, &out);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_build: how an image would be built. Nothing is built here: a service with `build` runs an image that is there
 * already, and folder and Dockerfile are for the text that says how to make it. All the rest is checked and shown, so
 * that a file that is brought along stays whole. Called through the table of service keys.
 */
#include "stack/attributes.h"
#include "stack/keys.h"

#define NOT_BUILT "images are not built"

static FORM(form_args);
static FORM(form_build_secrets);
static FORM(form_context);
static FORM(form_contexts);
static FORM(form_ssh);

/* Folder and Dockerfile tell a person how to make the image. The others speak to a builder, which is not here. */
/* clang-format off */
static const struct key build_rows[] = {
	WARN("additional_contexts", MAP | LST, NOT_BUILT, AS(form_contexts), MERGES(PAIRS)),
	WARN("args", MAP | LST, NOT_BUILT, AS(form_args), MERGES(PAIRS)),
	WARN("cache_from", LST, NOT_BUILT, AS(form_strings)),
	WARN("cache_to", LST, NOT_BUILT, AS(form_strings)),
	DONE("context", STR, AS(form_context)),
	DONE("dockerfile", STR, AS(form_text)),
	WARN("dockerfile_inline", STR, NOT_BUILT, AS(form_text)),
	WARN("entitlements", LST, NOT_BUILT, AS(form_strings)),
	WARN("extra_hosts", LST | MAP, NOT_BUILT, AS(form_hosts), MERGES(HOSTS)),
	WARN("isolation", STR, WINDOWS, AS(form_text)),
	WARN("labels", MAP | LST, NOT_BUILT, AS(form_pairs), MERGES(PAIRS)),
	WARN("network", STR, NOT_BUILT, AS(form_text)),
	WARN("no_cache", BOO | STR, NOT_BUILT, AS(form_bool)),
	WARN("no_cache_filter", STR | LST, NOT_BUILT, AS(form_set), MERGES(SET)),
	WARN("platforms", LST, NOT_BUILT, AS(form_set), MERGES(SET)),
	WARN("privileged", BOO | STR, NOT_BUILT, AS(form_bool)),
	WARN("provenance", BOO | STR, NOT_BUILT, AS(form_text)),
	WARN("pull", BOO | STR, NOT_BUILT, AS(form_bool)),
	WARN("sbom", BOO | STR, NOT_BUILT, AS(form_text)),
	WARN("secrets", LST, NOT_BUILT, AS(form_build_secrets), BELOW(asset_ref_keys)),
	WARN("shm_size", NUM | STR, NOT_BUILT, AS(form_bytes)),
	WARN("ssh", MAP | LST, NOT_BUILT, AS(form_ssh), MERGES(PAIRS)),
	WARN("tags", LST, NOT_BUILT, AS(form_set), MERGES(SET)),
	WARN("target", STR, NOT_BUILT, AS(form_text)),
	WARN("ulimits", MAP, NOT_BUILT, AS(form_ulimits), BELOW(ulimits_keys), MERGES(VALUES)),
};
const struct key_table build_keys = TABLE(build_rows);
/* clang-format on */

/* ---- folders --------------------------------------------------------------------------------- */

/* What an image builder fetches by itself, or takes from another build. */
static bool is_remote(const char *text)
{
	static const char *const prefixes[] = {
		"git@", "github.com/", "service:", "docker-image:", "target:",
	};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (!strncmp(text, prefixes[i], strlen(prefixes[i])))
			return true;
	return strstr(text, "://") != NULL;
}

/* Nothing at all is the folder of the file, as it is to compose. */
static FORM(form_context)
{
	struct node *out;

	if (is_remote(n->text))
		return form_text(r, w, n);
	if (*n->text)
		return form_path(r, w, n);
	out = form_text(r, w, n);
	out->text = path_clean(r->arena, reader_dir(r, n->pos), "");
	return out;
}

/* The values of a map, each brought to its form in a way of their own. */
static struct node *each_value(struct reader *r, const struct where *w, const struct node *map,
			       struct node *(*form)(struct reader *, const struct where *,
						    const struct node *))
{
	struct node_pairs out = { 0 };

	for (size_t i = 0; i < map->n; i++) {
		const struct node_pair *pair = &map->pairs[i];
		struct where here = where_key(w, pair->key, pair->pos);
		struct node *value = form(r, &here, pair->value);

		if (value)
			node_pairs_put(&out, pair->key, pair->pos, value);
	}
	return node_map_done(r->arena, map->pos, &out);
}

static FORM(form_contexts)
{
	return each_value(r, w, form_pairs(r, w, n), form_context);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* A name alone takes the project's variable; when there is none, the Dockerfile's default holds. */
static FORM(form_arg)
{
	return n->kind == NODE_NULL ? NULL : form_text(r, w, n);
}

static FORM(form_args)
{
	return each_value(r, w, form_environment(r, w, n), form_arg);
}

/* Unlike those of a container they have no place by default: the Dockerfile says where it wants them. */
static FORM(form_build_secrets)
{
	struct node_items items = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		const struct node *item = n->items[i];
		struct where here = where_item(w, i);

		if (!reader_check_kind(r, &here, item, NODE_STRING | NODE_MAP))
			continue;
		if (item->kind == NODE_STRING) {
			struct node_pairs one = { 0 };

			node_pairs_put(&one, "source", item->pos, form_text(r, &here, item));
			vec_push(&items, node_map_done(r->arena, item->pos, &one));
		} else if (form_has(r, &here, item, "source")) {
			vec_push(&items, form_map(r, &here, item, &asset_ref_keys));
		}
	}
	return node_list_done(r->arena, n->pos, &items);
}

/* `default` is the agent; another id comes with its socket or keys, which are paths. */
static FORM(form_ssh)
{
	struct node *ids = form_variables(r, w, n);
	struct node_items items = { 0 };

	for (size_t i = 0; i < ids->n; i++) {
		const struct node_pair *pair = &ids->pairs[i];
		struct where here = where_key(w, pair->key, pair->pos);
		struct node *path = *pair->value->text ? form_path(r, &here, pair->value) : NULL;
		struct node *id = node_copy(r->arena, pair->value);

		id->kind = NODE_STRING;
		id->text =
			path ? arena_printf(r->arena, "%s=%s", pair->key, path->text) : pair->key;
		vec_push(&items, id);
	}
	return node_list_done(r->arena, n->pos, &items);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Folder and Dockerfile are filled in before the walk, which then gives them their forms and places. */
FORM(form_build)
{
	struct node_pairs all = { 0 };
	struct node *map;

	for (size_t i = 0; n->kind == NODE_MAP && i < n->n; i++)
		node_pairs_put(&all, n->pairs[i].key, n->pairs[i].pos, n->pairs[i].value);
	if (n->kind != NODE_MAP)
		node_pairs_put(&all, "context", n->pos, form_text(r, w, n));
	else if (!node_given(n, "context")) /* with a place: it is the folder of that file */
		node_pairs_put(&all, "context", n->pos,
			       node_new(r->arena, NODE_STRING, n->pos, "."));
	if (!node_given(n, "dockerfile") && !node_given(n, "dockerfile_inline"))
		node_pairs_put(
			&all, "dockerfile", (struct stack_pos){ 0 },
			node_new(r->arena, NODE_STRING, (struct stack_pos){ 0 }, "Dockerfile"));
	else if (node_given(n, "dockerfile") && node_given(n, "dockerfile_inline"))
		reader_error(r, w, node_find(n, "dockerfile_inline")->pos, NULL,
			     "both 'dockerfile' and 'dockerfile_inline' are given: one is enough");
	map = node_map_done(r->arena, n->pos, &all);
	return form_map(r, w, map, &build_keys);
}

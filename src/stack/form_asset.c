/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_asset: configs and secrets: the sections of the file, and what a service takes of them, NAME
 * or the long form. The two have the same shape. The value of a secret is never looked at here, so
 * it cannot be printed: assets.c reads it when the stack is to run. Whether what a service takes is
 * declared is for crosscheck to say.
 */
#include "stack/assets.h"
#include "stack/attributes.h"
#include "stack/keys.h"
#include "stack/resource.h"
#include "stack/sections.h"
#include "stack/targets.h"

#define ASSETS_MAX 1000
#define MODE_MAX   07777

/* ---- what a service takes -------------------------------------------------------------------- */

/*
 * A number in any of YAML's spellings, or a string that is always octal. Printed as octal with a
 * zero in front, so that every reader takes it for the same.
 */
static FORM(form_asset_mode)
{
	bool octal = n->kind == NODE_STRING && strncmp(n->text, "0o", 2) != 0;
	const char *text = octal ? arena_printf(r->arena, "0%s", n->text) : n->text;
	struct node *out;
	int64_t mode;

	if (!*n->text || text_parse_int(text, &mode) < 0 || mode < 0 || mode > MODE_MAX) {
		reader_error(r, w, n->pos, NULL, "'%.40s' is not a mode; write like 0440", n->text);
		return NULL;
	}
	out = form_part(r, n, arena_printf(r->arena, "%04o", (unsigned)mode));
	out->number = mode;
	return out;
}

/* Text, as compose has it; engines find out when the container is made whether it is a number. */
static FORM(form_asset_id)
{
	struct node *out = form_text(r, w, n);
	char *end;
	unsigned long long id = strtoull(n->text, &end, 10);

	if (n->text[strspn(n->text, "0123456789")] || id >= UINT32_MAX)
		reader_forbid(r, w, n->pos, NULL, "'%.40s' is not the number of an owner", n->text);
	out->number = (int64_t)id;
	return out;
}

/* clang-format off */
static const struct key asset_ref_rows[] = {
	DONE("gid", STR, AS(form_asset_id)),
	DONE("mode", NUM | STR, AS(form_asset_mode)),
	DONE("source", STR, AS(form_string)),
	DONE("target", STR, AS(form_string)),
	DONE("uid", STR, AS(form_asset_id)),
};
const struct key_table asset_ref_keys = TABLE(asset_ref_rows);
/* clang-format on */

const char *asset_base(const char *section)
{
	return !strcmp(section, "secrets") ? "/run/secrets" : "/";
}

/* A name alone is a map with nothing but its source. */
static struct node *ref_map(struct reader *r, const struct where *w, const struct node *n)
{
	struct node_pairs pairs = { 0 };
	struct node *source;

	if (n->kind == NODE_MAP)
		return form_map(r, w, n, &asset_ref_keys);
	source = form_string(r, w, n);
	if (source)
		node_pairs_put(&pairs, "source", n->pos, source);
	return node_map_done(r->arena, n->pos, &pairs);
}

static struct node *form_ref(struct reader *r, const struct where *w, const struct node *n,
			     const char *base)
{
	size_t errors = stack_diags_errors(r->diags);
	struct node *map = ref_map(r, w, n), *target;
	const char *source = node_text(map, "source");
	struct node_pairs out = { 0 };

	if (stack_diags_errors(r->diags) > errors)
		return NULL;
	if (!source)
		reader_error(r, w, n->pos, NULL, "'source' is missing");
	if (!source || node_get(map, "target"))
		return source ? map : NULL;
	target = node_new(r->arena, NODE_STRING, (struct stack_pos){ 0 },
			  path_clean(r->arena, base, source));
	for (size_t i = 0; i < map->n; i++) {
		const struct node_pair *pair = &map->pairs[i];

		node_pairs_put(&out, pair->key, pair->pos, pair->value);
		if (!strcmp(pair->key, "source"))
			node_pairs_put(&out, "target", n->pos, target);
	}
	return node_map_done(r->arena, n->pos, &out);
}

/*
 * The target stays as it is written, because compose prints it so; that two are the same file is seen
 * by their whole paths. The later one wins, as an override wants it.
 */
FORM(form_asset_refs)
{
	struct targets list = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		const struct where here = { w, NULL, i, { 0 } };
		struct node *ref = NULL;

		if (reader_check_kind(r, &here, n->items[i], NODE_STRING | NODE_MAP))
			ref = form_ref(r, &here, n->items[i], asset_base(w->key));
		if (ref)
			targets_put(
				&list,
				path_clean(r->arena, asset_base(w->key), node_text(ref, "target")),
				ref);
	}
	return targets_done(r, n->pos, &list);
}

/* ---- the sections ---------------------------------------------------------------------------- */

/* clang-format off */
static const struct key config_rows[] = {
	DONE("content", STR),
	DONE("environment", STR, AS(form_string)),
	DONE("external", BOO | STR | MAP, AS(form_bool), ONLY("false; what is used from elsewhere is refused")),
	DONE("file", STR, AS(form_path)),
	WARN("labels", MAP | LST, DESCRIBES, AS(form_pairs), MERGES(PAIRS)),
	DONE("name", STR, AS(resource_name)),
	WARN("template_driver", STR, CLUSTER),
};
static const struct key_table config_keys = TABLE(config_rows);

static const struct key secret_rows[] = {
	WARN("driver", STR, CLUSTER),
	WARN("driver_opts", MAP, CLUSTER, AS(form_pairs)),
	DONE("environment", STR, AS(form_string)),
	DONE("external", BOO | STR | MAP, AS(form_bool), ONLY("false; what is used from elsewhere is refused")),
	DONE("file", STR, AS(form_path)),
	WARN("labels", MAP | LST, DESCRIBES, AS(form_pairs), MERGES(PAIRS)),
	DONE("name", STR, AS(resource_name)),
	WARN("template_driver", STR, CLUSTER),
};
static const struct key_table secret_keys = TABLE(secret_rows);
/* clang-format on */

/* Where the content comes from; the last one is for configs only. */
static const char *const sources[] = { "file", "environment", "content" };

/*
 * Each source of the content excludes the others, and without one there is nothing to give to the
 * container. A driver may have a source of its own.
 */
static void check_sources(struct reader *r, const struct where *w, const struct node *map,
			  size_t n_sources)
{
	const struct node_pair *found = NULL;

	for (size_t i = 0; i < n_sources; i++) {
		const struct node_pair *pair = node_find(map, sources[i]);

		if (pair && found)
			reader_error(r, w, pair->pos, "take one of them away",
				     "'%s' excludes '%s', %s", pair->key, found->key,
				     reader_place(r, found->pos));
		else if (pair)
			found = pair;
	}
	if (!found && !resource_is_external(map) && !node_find(map, "driver"))
		reader_error(r, w, w->at, NULL,
			     n_sources > 2 ? "needs one of 'file', 'environment' and 'content'"
					   : "needs 'file' or 'environment'");
}

static struct node *form_asset(struct reader *r, const struct where *w, const struct node *n,
			       const struct key_table *keys, size_t n_sources)
{
	size_t errors = stack_diags_errors(r->diags);
	struct node *out = resource_form(r, w, n, keys);

	if (stack_diags_errors(r->diags) > errors)
		return NULL;
	check_sources(r, w, out, n_sources);
	/* compose reads over what stands beside `external`, so it is no error. */
	for (size_t i = 0; resource_is_external(out) && i < out->n; i++)
		if (resource_describes(&out->pairs[i]))
			reader_warn(r, w, out->pairs[i].pos,
				    "'%s' has no effect: it is external, so it is made elsewhere",
				    out->pairs[i].key);
	return out;
}

static FORM(form_config)
{
	return form_asset(r, w, n, &config_keys, 3);
}

static FORM(form_secret)
{
	return form_asset(r, w, n, &secret_keys, 2);
}

/* clang-format off */
static const struct key any_config = DONE("NAME", NUL | MAP, AS(form_config), BELOW(config_keys));
static const struct key any_secret = DONE("NAME", NUL | MAP, AS(form_secret), BELOW(secret_keys));
/* clang-format on */

const struct key_table configs_keys = CHOSEN(any_config);
const struct key_table secrets_keys = CHOSEN(any_secret);

FORM(form_configs)
{
	return resource_count(r, w, n, ASSETS_MAX) ? form_map(r, w, n, &configs_keys) : NULL;
}

FORM(form_secrets)
{
	return resource_count(r, w, n, ASSETS_MAX) ? form_map(r, w, n, &secrets_keys) : NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_env: what a container gets as its environment: `environment` and `env_file` in their
 * canonical forms, called through the table of service keys; and the files read and folded in,
 * called by active, so that nobody reads files for services that are not meant.
 */
#include <errno.h>

#include "stack/attributes.h"
#include "stack/dotenv.h"
#include "stack/form_env.h"
#include "stack/keys.h"

#define VARIABLES_MAX 100000 /* of all env files of all services: each costs a few hundred bytes */

/* ---- environment ----------------------------------------------------------------------------- */

/*
 * A name without a value takes the project's, which may not have one either. Asked for as ${NAME},
 * so that it is known where the value came from; what is no name in there is looked up alone.
 */
static void resolve(struct reader *r, const struct node_pair *pair)
{
	static const struct envset *const nothing[] = { NULL };
	struct vars *vars = reader_vars(r, pair->pos);
	const char *value = vars_get(vars, pair->key, strlen(pair->key)), *expanded;
	_cleanup_(buf_fini) struct buf text = { 0 }, why = { 0 };
	struct node *n = pair->value;

	if (!value)
		return;
	buf_printf(&text, "${%s}", pair->key);
	expanded = vars_expand(vars, nothing, pair->pos, buf_str(&text), text.len, &n->uses,
			       &n->n_uses, &why);
	n->kind = NODE_STRING;
	n->text = expanded ? expanded : value;
	n->substituted = true;
}

FORM(form_environment)
{
	struct node *out = form_variables(r, w, n);

	for (size_t i = 0; i < out->n; i++)
		if (out->pairs[i].value->kind == NODE_NULL)
			resolve(r, &out->pairs[i]);
	return out;
}

/* ---- env_file -------------------------------------------------------------------------------- */

/* Without it, a file is read as compose does it. */
static FORM(form_format)
{
	static const char *const words[] = { "raw" };

	return *n->text ? form_word(r, w, n, words, ARRAY_LEN(words)) : NULL;
}

static FORM(form_file_path)
{
	if (*n->text)
		return form_path(r, w, n);
	reader_error(r, w, n->pos, NULL, "the path of the env file is missing");
	return NULL;
}

/* clang-format off */
static const struct key env_file_rows[] = {
	DONE("format", STR, AS(form_format)),
	DONE("path", STR, AS(form_file_path)),
	DONE("required", BOO | STR, AS(form_bool)),
};
const struct key_table env_file_keys = TABLE(env_file_rows);
/* clang-format on */

/* A path alone is {path}. NULL: something is wrong with it. */
static struct node *form_env_file(struct reader *r, const struct where *w, const struct node *n)
{
	struct node *out, *path;

	if (!reader_check_kind(r, w, n, NODE_STRING | NODE_MAP))
		return NULL;
	if (n->kind == NODE_MAP) {
		out = form_map(r, w, n, &env_file_keys);
		if (!node_text(n, "path"))
			reader_error(r, w, n->pos, NULL, "the path of the env file is missing");
		path = node_get(out, "path");
	} else {
		struct node_pairs pairs = { 0 };

		path = form_file_path(r, w, n);
		if (path)
			node_pairs_put(&pairs, "path", n->pos, path);
		out = node_map_done(r->arena, n->pos, &pairs);
	}
	if (path && !node_get(out, "required"))
		out = node_with(r->arena, out, "required",
				node_bool(r->arena, (struct stack_pos){ 0 }, true));
	return path ? out : NULL;
}

FORM(form_env_files)
{
	struct node_items items = { 0 };
	struct node *one;

	if (n->kind != NODE_LIST && (one = form_env_file(r, w, n)))
		vec_push(&items, one);
	for (size_t i = 0; n->kind == NODE_LIST && i < n->n; i++) {
		struct where here = { w, NULL, i, n->items[i]->pos };

		if ((one = form_env_file(r, &here, n->items[i])))
			vec_push(&items, one);
	}
	return node_list_done(r->arena, n->pos, &items);
}

/* ---- folding the files in -------------------------------------------------------------------- */

/*
 * A file that all services share is read once and parsed for each of them, because what it refers to may differ: the bytes
 * of that count as those of variables do.
 */
static bool can_hold(struct reader *r, const struct where *w, const struct node *path, size_t len)
{
	r->common.expanded += len;
	if (r->common.expanded <= VARS_EXPANDED_MAX)
		return true;
	reader_error(r, w, path->pos, NULL, "the env files of all services have more than %u MiB",
		     VARS_EXPANDED_MAX >> 20);
	return false;
}

static void read_file(struct reader *r, const struct where *w, const struct node *entry,
		      const struct envset *own, struct envset *into)
{
	const struct node *path = node_get(entry, "path");
	struct vars *vars = reader_vars(r, path->pos);
	int file = reader_file(r, r->contexts.v[path->pos.file], path->text, DOTENV_FILE_MAX);
	const struct stack_file *f;
	const char *hint;
	struct err err;

	if (file < 0 && errno == ENOENT && !node_get(entry, "required")->number)
		return;
	if (file < 0) {
		hint = errno == ENOENT ? "with 'required: false' it may be missing" : NULL;
		reader_file_error(&err, "env file", path->text, DOTENV_FILE_MAX);
		reader_error(r, w, path->pos, hint, "%s", err.text);
		return;
	}
	f = &r->files.v[file];
	if (!can_hold(r, w, path, f->len))
		return;
	if (node_get(entry, "format"))
		dotenv_parse_raw(vars, (uint32_t)file, f->text, f->len, into);
	else
		dotenv_parse(vars, own, (uint32_t)file, f->text, f->len, into);
}

/* `environment` as what references in env files look into. */
static void collect_own(const struct node *environment, struct envset *own)
{
	for (size_t i = 0; environment && i < environment->n; i++) {
		const struct node_pair *pair = &environment->pairs[i];
		bool given = pair->value->kind != NODE_NULL;

		envset_put(own, (struct stack_kv){ pair->key, given ? pair->value->text : NULL,
						   pair->pos });
	}
}

static struct node *fold(struct reader *r, const struct node *environment, struct stack_pos pos,
			 const struct envset *files)
{
	struct node_pairs all = { 0 };

	for (size_t i = 0; i < files->kvs.n; i++) {
		const struct stack_kv *kv = &files->kvs.v[i];

		node_pairs_put(&all, kv->key, kv->pos,
			       node_new(r->arena, NODE_STRING, kv->pos, kv->value));
	}
	for (size_t i = 0; environment && i < environment->n; i++)
		node_pairs_put(&all, environment->pairs[i].key, environment->pairs[i].pos,
			       environment->pairs[i].value);
	return node_map_done(r->arena, environment ? environment->pos : pos, &all);
}

static struct node *without(struct reader *r, const struct node *map, const char *key)
{
	struct node_pairs left = { 0 };

	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->pairs[i].key, key) != 0)
			node_pairs_put(&left, map->pairs[i].key, map->pairs[i].pos,
				       map->pairs[i].value);
	return node_map_done(r->arena, map->pos, &left);
}

struct node *env_fold(struct reader *r, const struct where *w, struct node *service)
{
	const struct node_pair *files = node_find(service, "env_file");
	const struct node *environment = node_get(service, "environment");
	_cleanup_(envset_fini) struct envset own = { 0 }, all = { 0 };

	if (!files)
		return service;
	collect_own(environment, &own);
	for (size_t i = 0; i < files->value->n; i++) {
		struct where list = { w, "env_file", 0, files->pos };
		struct where here = { &list, NULL, i, files->value->items[i]->pos };

		read_file(r, &here, files->value->items[i], &own, &all);
	}
	service = without(r, service, "env_file");
	r->n_env_variables += all.kvs.n;
	if (r->n_env_variables > VARIABLES_MAX)
		reader_error(r, w, files->pos, NULL,
			     "env_file: more than %d variables in the env files of all services",
			     VARIABLES_MAX);
	else if (environment || all.kvs.n)
		service = node_with(r->arena, service, "environment",
				    fold(r, environment, files->value->pos, &all));
	return service;
}

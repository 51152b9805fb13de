/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_env: what a container gets as its environment: `environment` and `env_file` in their
 * canonical forms, called through the table of service keys; and these files and those of labels
 * read and folded in, called by active, so that nobody reads files for services that are not meant.
 */
#include <errno.h>

#include "stack/attributes.h"
#include "stack/dotenv.h"
#include "stack/form_env.h"
#include "stack/keys.h"

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

/* Null in the result is a name that is to be unset in the container, whatever its image says. */
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

/* Checked here, as an empty path would be the folder itself. */
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
		struct where here = where_item(w, i);

		if ((one = form_env_file(r, &here, n->items[i])))
			vec_push(&items, one);
	}
	return node_list_done(r->arena, n->pos, &items);
}

/* ---- folding the files in -------------------------------------------------------------------- */

/* The number of the file, or -1 with an error; -1 alone when it may be missing. */
static int open_file(struct reader *r, const struct where *w, const struct node *path,
		     const char *what, bool required)
{
	int file = reader_file(r, r->contexts.v[path->pos.file], path->text, DOTENV_FILE_MAX);
	bool missing = file < 0 && errno == ENOENT;
	struct err err;

	if (file >= 0 || (missing && !required))
		return file;
	reader_file_error(&err, what, path->text, DOTENV_FILE_MAX);
	reader_error(r, w, path->pos,
		     missing && *what == 'e' ? "with 'required: false' it may be missing" : NULL,
		     "%s", err.text);
	return -1;
}

/*
 * References see the project's variables, then `environment`, then what the files have said so far;
 * the project is that of the file in which the entry stands.
 */
static void read_env_file(struct reader *r, const struct where *w, const struct node *entry,
			  const struct node *environment, struct envset *into)
{
	const struct node *path = node_get(entry, "path");
	struct vars *vars = reader_vars(r, path->pos);
	int file = open_file(r, w, path, "env file", node_get(entry, "required")->number);
	_cleanup_(envset_fini) struct envset own = { 0 };

	if (file < 0)
		return;
	for (size_t i = 0; environment && i < environment->n; i++) {
		const struct node_pair *pair = &environment->pairs[i];
		const char *value = pair->value->kind == NODE_NULL ? NULL : pair->value->text;

		envset_put(&own, (struct stack_kv){ pair->key, value, pair->pos });
	}
	if (node_get(entry, "format"))
		dotenv_parse_raw(vars, (uint32_t)file, r->files.v[file].text, r->files.v[file].len,
				 into);
	else
		dotenv_parse(vars, &own, (uint32_t)file, r->files.v[file].text,
			     r->files.v[file].len, into);
}

/* Labels refer to labels only: a file of them sees no variables of the project. */
static void read_label_file(struct reader *r, const struct where *w, const struct node *path,
			    const struct node *labels, struct envset *into)
{
	struct vars_common common = { .arena = r->arena, .diags = r->diags };
	struct vars vars = { .common = &common };
	int file = open_file(r, w, path, "label file", true);

	(void)labels;
	common.expanded = r->common.expanded;
	if (file >= 0)
		dotenv_parse(&vars, NULL, (uint32_t)file, r->files.v[file].text,
			     r->files.v[file].len, into);
	r->common.expanded = common.expanded;
	vars_common_fini(&common);
}

/* Values keep their place in the file that they are from; those of the stack file replace them. */
static struct node *joined(struct reader *r, const struct node *own, struct stack_pos pos,
			   const struct envset *files)
{
	struct node_pairs all = { 0 };

	for (size_t i = 0; i < files->kvs.n; i++) {
		const struct stack_kv *kv = &files->kvs.v[i];

		node_pairs_put(&all, kv->key, kv->pos,
			       node_new(r->arena, NODE_STRING, kv->pos, kv->value));
	}
	for (size_t i = 0; own && i < own->n; i++)
		node_pairs_put(&all, own->pairs[i].key, own->pairs[i].pos, own->pairs[i].value);
	return node_map_done(r->arena, own ? own->pos : pos, &all);
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

/* A key that names files, and the one that their lines belong to. */
struct folding {
	const char *files, *into;
	void (*read)(struct reader *r, const struct where *w, const struct node *entry,
		     const struct node *own, struct envset *into);
};

static struct node *fold(struct reader *r, const struct where *w, struct node *service,
			 const struct folding *f)
{
	const struct node_pair *files = node_find(service, f->files);
	const struct node *own = node_get(service, f->into);
	_cleanup_(envset_fini) struct envset all = { 0 };

	if (!files)
		return service;
	for (size_t i = 0; i < files->value->n; i++) {
		struct where list = where_in(w, f->files);
		struct where here = where_item(&list, i);

		f->read(r, &here, files->value->items[i], own, &all);
	}
	service = without(r, service, f->files);
	if (all.kvs.n)
		service = node_with(r->arena, service, f->into,
				    joined(r, own, files->value->pos, &all));
	return service;
}

struct node *env_fold(struct reader *r, const struct where *w, struct node *service)
{
	static const struct folding environment = { "env_file", "environment", read_env_file };
	static const struct folding labels = { "label_file", "labels", read_label_file };

	return fold(r, w, fold(r, w, service, &environment), &labels);
}

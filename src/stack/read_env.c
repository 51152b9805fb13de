/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read_env: what a container gets as its environment: env files from top to bottom, then
 * `environment` over them. Called for each service when all of its keys are read.
 */
#include <errno.h>

#include "stack/dotenv.h"
#include "stack/keys.h"
#include "stack/read_service.h"

struct env_file_draft {
	struct stack_str path;
	bool optional;
};

/* clang-format off */
static const struct key env_file_rows[] = {
	REFUSE("format", STR, NULL),
	DONE("path", STR, value_string, env_file_draft, path),
	DONE("required", BOO | STR, value_not, env_file_draft, optional),
};
static const struct key_table env_file_keys = TABLE(env_file_rows);
/* clang-format on */

/* A name without a value takes the project's, which may not have one either. */
static void put_resolved(struct reader *r, struct envset *into, struct stack_kv kv)
{
	if (!kv.value)
		kv.value = vars_get(&r->vars, kv.key, strlen(kv.key));
	envset_put(into, kv);
}

static void read_file(struct reader *r, const struct where *w, const struct env_file_draft *d,
		      const struct envset *environment, struct envset *into)
{
	const char *path = value_clean_path(r->arena, r->stack->dir, d->path.text);
	int file =
		reader_file(r, path, *d->path.text == '/' ? path : d->path.text, DOTENV_FILE_MAX);
	struct err err;

	if (file < 0 && errno == ENOENT && d->optional)
		return;
	if (file < 0) {
		reader_file_error(&err, "env file", path, DOTENV_FILE_MAX);
		reader_error(r, w, d->path.pos, NULL, "%s", err.text);
		return;
	}
	dotenv_parse(&r->vars, environment, (uint32_t)file, r->files.v[file].text,
		     r->files.v[file].len, into);
}

static void read_entry(struct reader *r, const struct where *w, const struct node *n,
		       const struct envset *environment, struct envset *into)
{
	struct env_file_draft d = { 0 };

	if (!reader_check_kind(r, w, n, NODE_STRING | NODE_MAP))
		return;
	if (n->kind == NODE_MAP)
		reader_map(r, w, n, &env_file_keys, &d);
	else
		d.path = (struct stack_str){ n->text, n->pos };
	if (!d.path.text || !*d.path.text)
		reader_error(r, w, n->pos, NULL, "the path of the env file is missing");
	else
		read_file(r, w, &d, environment, into);
}

struct stack_kvs read_env(struct reader *r, const struct where *w, const struct node *env_file,
			  const struct envset *environment)
{
	_cleanup_(envset_fini) struct envset all = { 0 }, own = { 0 };
	struct where files = { w, "env_file", 0 };

	for (size_t i = 0; i < environment->kvs.n; i++)
		put_resolved(r, &own, environment->kvs.v[i]);
	if (env_file && env_file->kind != NODE_LIST)
		read_entry(r, &files, env_file, &own, &all);
	for (size_t i = 0; env_file && env_file->kind == NODE_LIST && i < env_file->n; i++) {
		struct where here = { &files, NULL, i };

		read_entry(r, &here, env_file->items[i], &own, &all);
	}
	for (size_t i = 0; i < own.kvs.n; i++)
		envset_put(&all, own.kvs.v[i]);
	return (struct stack_kvs){ reader_keep(r, &all.kvs), all.kvs.n };
}

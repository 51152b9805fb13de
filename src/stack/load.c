/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * load: the order of work from paths to a model: the project's folder and env files, the documents
 * of all files, its name, one tree out of them, the canonical form of that, what is active, the
 * rules between parts, and the structs. Called by cli.
 */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "stack/active.h"
#include "stack/assemble.h"
#include "stack/crosscheck.h"
#include "stack/documents.h"
#include "stack/impl.h"
#include "stack/model.h"
#include "stack/names.h"
#include "stack/relocate.h"
#include "stack/sources.h"
#include "stack/substitute.h"
#include "stack/top.h"

/* As much as fits into 64 MB until it is printed. What aliases and bases share counts in each place. */
#define NODES_MAX 120000
#define TEXT_MAX  (5u << 20)

/* ---- the project ----------------------------------------------------------------------------- */

/* Absolute: --project-directory, or where the first file is, or where we are. */
static int find_dir(struct reader *r, const struct stack_opts *opts, const char **ret,
		    struct err *err)
{
	const char *path = opts->n_paths ? opts->paths[0] : NULL, *dir = opts->project_dir, *slash;
	char cwd[PATH_MAX] = "/";

	if (!path && !opts->text)
		return err_kind(err, ERR_STACK, "no stack file given");
	/* It may have been removed, and need not be there. */
	if (*(dir ? dir : path ? path : "") != '/' && path_current(cwd, err) < 0)
		return -1;
	slash = path ? strrchr(path, '/') : NULL;
	if (!dir && slash && strcmp(path, "-"))
		dir = arena_strndup(r->arena, path, slash > path ? (size_t)(slash - path) : 1);
	*ret = path_clean(r->arena, cwd, dir ? dir : ".");
	return 0;
}

static int read_env_files(struct reader *r, const struct context *c, const struct stack_opts *opts,
			  struct err *err)
{
	for (size_t i = 0; i < opts->n_env_files; i++)
		if (documents_read_env(r, c, opts->env_files[i], true, err) < 0)
			return -1;
	if (opts->n_env_files)
		return 0;
	return documents_read_env(r, c, arena_printf(r->arena, "%s/.env", c->dir), false, err);
}

/* The name first: ${COMPOSE_PROJECT_NAME} may stand in any other value. The last file that has one decides. */
static void set_name(struct reader *r, const struct context *c, const struct stack_opts *opts,
		     const struct node_items *docs)
{
	const struct where w = { .key = "name" };
	const struct node *last = NULL;

	for (size_t i = 0; i < docs->n; i++) {
		struct node *name = node_get(docs->v[i], "name");

		if (name)
			substitute(r, c->vars, &w, name);
		if (name && name->kind == NODE_STRING && *name->text)
			last = name;
	}
	r->stack->name = name_project(r, c->vars, opts->project_name, last, r->stack->dir);
	envset_put(&r->common.process,
		   (struct stack_kv){ "COMPOSE_PROJECT_NAME", r->stack->name, { 0 } });
}

/* ---- the model ------------------------------------------------------------------------------- */

/* The merged tree with the project's name in front; nothing is checked and nothing expanded. */
static void keep_literal(struct reader *r, struct node *tree)
{
	struct node_pairs all = { 0 };

	node_pairs_put(&all, "name", (struct stack_pos){ 0 },
		       node_new(r->arena, NODE_STRING, (struct stack_pos){ 0 }, r->stack->name));
	for (size_t i = 0; i < tree->n; i++)
		if (strcmp(tree->pairs[i].key, "name") != 0)
			node_pairs_put(&all, tree->pairs[i].key, tree->pairs[i].pos,
				       tree->pairs[i].value);
	r->stack->impl->root = node_map_done(r->arena, tree->pos, &all);
	r->stack->impl->literal = true;
}

/* With all that aliases and bases share written out: that is how it is printed. */
static bool is_small(struct reader *r, const struct node *tree)
{
	if (node_count(tree, NODES_MAX) > NODES_MAX) {
		reader_error(r, NULL, tree->pos, NULL,
			     "too large: more than %d values when all files are put together",
			     NODES_MAX);
		return false;
	}
	if (node_text_bytes(tree, TEXT_MAX) > TEXT_MAX) {
		reader_error(r, NULL, tree->pos, NULL,
			     "too large: more than %u MiB of text when all files are put together",
			     TEXT_MAX >> 20);
		return false;
	}
	return true;
}

/*
 * Files that do not even make one tree are not looked at any further; from there on all that is wrong
 * is found in one go.
 */
static void read_model(struct reader *r, const struct context *c, const struct stack_opts *opts,
		       const struct node_items *docs)
{
	struct node *tree, *root;

	set_name(r, c, opts, docs);
	tree = assemble(r, c, docs);
	if (stack_diags_errors(r->diags) || !tree)
		return;
	if (!is_small(r, tree))
		return;
	if (opts->no_interpolate) {
		relocate(r, tree);
		keep_literal(r, tree);
		return;
	}
	root = form_map(r, NULL, tree, top_key.below);
	if (!node_given(tree, "services"))
		reader_error(r, NULL, tree->pos, NULL, "there are no 'services'");
	if (!node_get(root, "services"))
		return;
	root = active_select(r, opts, root);
	crosscheck(r, root, tree);
	reader_flush(r, root);
	if (stack_diags_errors(r->diags))
		return;
	r->stack->impl->root = root;
	model_make(r, root);
}

static int load(struct reader *r, const struct context *c, const struct stack_opts *opts,
		struct err *err)
{
	struct node_items docs = { 0 };
	int result = 0;

	for (size_t i = 0; !result && i < opts->n_paths; i++)
		result = documents_read(r, c, opts->paths[i], &docs, err);
	if (!result && opts->text)
		documents_read_text(r, c, opts->text, &docs);
	if (!result && !stack_diags_errors(r->diags))
		read_model(r, c, opts, &docs);
	reader_flush(r, NULL);
	vec_fini(&docs);
	return result;
}

int stack_load(const struct stack_opts *opts, struct stack **ret_stack, struct stack_diags *diags,
	       struct err *err)
{
	struct arena *arena = arena_new();
	struct stack *stack = arena_alloc(arena, sizeof(*stack));
	struct reader r;
	struct vars vars = { 0 };
	struct context c = { .vars = &vars };
	int result;

	stack->impl = arena_alloc(arena, sizeof(*stack->impl));
	stack->impl->arena = arena;
	reader_init(&r, arena, diags, opts->env);
	r.stack = stack;
	r.for_run = opts->for_run;
	r.common.literal = opts->no_interpolate;
	vars.common = &r.common;
	result = find_dir(&r, opts, &stack->dir, err);
	c.dir = stack->dir;
	if (!result)
		result = read_env_files(&r, &c, opts, err);
	if (!result)
		result = load(&r, &c, opts, err);
	if (!result && stack_diags_errors(diags))
		result = 1;
	if (!result) {
		sources_keep(&r, &vars);
		*ret_stack = stack;
	}
	vars_fini(&vars);
	/* Before the arena, in which the variables of included projects lie. */
	reader_fini(&r);
	if (result)
		stack_free(stack);
	return result;
}

void stack_free(struct stack *s)
{
	if (s)
		arena_free(s->impl->arena);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sources: keeps, of a load that is over, its files, its variables and the environment that they were looked up in. Called at
 * the end of load; asked through the public header.
 */
#include "stack/sources.h"
#include "stack/impl.h"

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct stack_variable *)a)->name,
		      ((const struct stack_variable *)b)->name);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct stack_kv *)a)->key, ((const struct stack_kv *)b)->key);
}

/* Files first, so that what the process has wins. */
static void keep_environment(struct reader *r, const struct vars *vars)
{
	struct envset all = { 0 };

	for (size_t i = 0; i < vars->files.kvs.n; i++)
		envset_put(&all, vars->files.kvs.v[i]);
	for (size_t i = 0; i < r->common.process.kvs.n; i++)
		envset_put(&all, r->common.process.kvs.v[i]);
	if (all.kvs.n)
		qsort(all.kvs.v, all.kvs.n, sizeof(*all.kvs.v), by_key);
	r->stack->impl->environment = (struct stack_kvs){ reader_keep(r, &all.kvs), all.kvs.n };
	envset_fini(&all);
}

void sources_keep(struct reader *r, const struct vars *vars)
{
	struct stack_impl *impl = r->stack->impl;
	struct stack_variable *variables = reader_keep(r, &r->common.asked);

	r->stack->files = reader_keep(r, &r->files);
	r->stack->n_files = r->files.n;
	impl->n_variables = r->common.asked.n;
	if (impl->n_variables)
		qsort(variables, impl->n_variables, sizeof(*variables), by_name);
	impl->variables = variables;
	keep_environment(r, vars);
}

size_t stack_variables(const struct stack *s, const struct stack_variable **ret)
{
	*ret = s->impl->variables;
	return s->impl->n_variables;
}

struct stack_kvs stack_environment(const struct stack *s)
{
	return s->impl->environment;
}

struct stack_strs stack_profiles(const struct stack *s)
{
	return s->impl->profiles;
}

struct stack_strs stack_inactive(const struct stack *s)
{
	return s->impl->inactive;
}

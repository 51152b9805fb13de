/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vars: looks variables up and warns once about each that is not set. Called by load,
 * substitute, dotenv and the readers. It reads no environment of its own: the caller hands it in.
 */
#include "stack/vars.h"
#include "stack/diag.h"
#include "stack/interp.h"

void vars_init(struct vars *v, struct arena *arena, struct stack_diags *diags,
	       const char *const *env)
{
	*v = (struct vars){ .arena = arena, .diags = diags };
	for (; env && *env; env++) {
		const char *eq = strchr(*env, '=');

		if (eq && eq > *env)
			envset_put(
				&v->process,
				(struct stack_kv){ arena_strndup(arena, *env, (size_t)(eq - *env)),
						   arena_strdup(arena, eq + 1),
						   { 0 } });
	}
}

void vars_fini(struct vars *v)
{
	envset_fini(&v->process);
	envset_fini(&v->files);
	strmap_fini(&v->warned);
}

/* The environment of the process beats env files, as in compose: so a single run can be changed. */
const char *vars_get(const struct vars *v, const char *name, size_t len)
{
	const struct stack_kv *kv = envset_get(&v->process, name, len);

	if (!kv)
		kv = envset_get(&v->files, name, len);
	return kv ? kv->value : NULL;
}

/* ---- expanding ------------------------------------------------------------------------------- */

struct lookup {
	struct vars *vars;
	const struct envset *const *more;
	struct stack_pos pos;
};

/* In an env file the `environment` of its service and its own earlier lines count too, but last. */
static const char *lookup_get(void *arg, const char *name, size_t len)
{
	const struct lookup *l = arg;
	const char *value = vars_get(l->vars, name, len);

	for (const struct envset *const *more = l->more; !value && more && *more; more++) {
		const struct stack_kv *kv = envset_get(*more, name, len);

		value = kv ? kv->value : NULL;
	}
	return value;
}

static void lookup_unset(void *arg, const char *name, size_t len)
{
	const struct lookup *l = arg;
	const char *key;

	if (strmap_get(&l->vars->warned, name, len, &(size_t){ 0 }))
		return;
	key = arena_strndup(l->vars->arena, name, len);
	strmap_put(&l->vars->warned, key, len, 0, NULL);
	stack_diag_add(l->vars->diags, STACK_WARNING, l->pos, NULL,
		       "variable '%.80s' is not set: it becomes nothing", key);
}

const char *vars_expand(struct vars *v, const struct envset *const *more, struct stack_pos pos,
			const char *text, size_t len, struct buf *why)
{
	struct lookup l = { v, more, pos };
	struct interp_source src = { lookup_get, lookup_unset, &l };
	_cleanup_(buf_fini) struct buf out = { 0 };

	if (interp_expand(&src, text, len, &out, why) < 0)
		return NULL;
	v->expanded += out.len;
	if (v->expanded > VARS_EXPANDED_MAX) {
		buf_printf(why, "variables make the files longer than %u MiB",
			   VARS_EXPANDED_MAX >> 20);
		return NULL;
	}
	return arena_strdup(v->arena, buf_str(&out));
}

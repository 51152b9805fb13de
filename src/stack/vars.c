/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vars: looks variables up, notes who asked for which, and warns once about each that is not set.
 * Called by load, include, substitute, dotenv and the forms of the environment. It reads no
 * environment of its own: the caller hands it in.
 */
#include "stack/vars.h"
#include "stack/diag.h"
#include "stack/interp.h"

#define UNSET_HINT "set it, or write ${NAME:-default}; a dollar sign itself is written $$"
#define USES_MAX   64 /* different variables of one text that are told about; more need no list */
#define USE_BYTES \
	150 /* about what one needs: its name, where it is from, the place that it is told at */
#define ASKED_BYTES 250 /* and what a variable needs that nobody asked for before */

void vars_common_init(struct vars_common *c, struct arena *arena, struct stack_diags *diags,
		      const char *const *env)
{
	*c = (struct vars_common){ .arena = arena, .diags = diags };
	for (; env && *env; env++) {
		const char *eq = strchr(*env, '=');
		struct stack_kv kv = { 0 };

		if (!eq || eq == *env)
			continue;
		kv.key = arena_strndup(arena, *env, (size_t)(eq - *env));
		kv.value = arena_strdup(arena, eq + 1);
		envset_put(&c->process, kv);
	}
}

void vars_common_fini(struct vars_common *c)
{
	envset_fini(&c->process);
	strmap_fini(&c->warned);
	vec_fini(&c->asked);
	strmap_fini(&c->asked_index);
}

void vars_fini(struct vars *v)
{
	envset_fini(&v->files);
}

bool vars_charge(struct vars_common *c, size_t bytes)
{
	c->expanded += bytes;
	return c->expanded <= VARS_EXPANDED_MAX;
}

/* ---- looking up ------------------------------------------------------------------------------ */

/* The files of whoever includes beat those of what is included: they only give it defaults. */
static const struct stack_kv *find_in_files(const struct vars *v, const char *name, size_t len)
{
	const struct stack_kv *kv = v->parent ? find_in_files(v->parent, name, len) : NULL;

	return kv && kv->value ? kv : envset_get(&v->files, name, len);
}

/* The environment of the process beats env files, as in compose: so a single run can be changed. */
static const struct stack_kv *find(const struct vars *v, const char *name, size_t len)
{
	const struct stack_kv *kv = envset_get(&v->common->process, name, len);

	if (!kv || !kv->value)
		kv = find_in_files(v, name, len);
	return kv && kv->value ? kv : NULL;
}

const char *vars_get(const struct vars *v, const char *name, size_t len)
{
	const struct stack_kv *kv = find(v, name, len);

	return kv ? kv->value : NULL;
}

/* ---- who asks -------------------------------------------------------------------------------- */

struct asking {
	struct vars *vars;
	struct stack_pos pos;
};

static struct stack_variable *asked_variable(const struct asking *a,
					     const struct interp_reference *ref)
{
	struct vars_common *c = a->vars->common;
	struct stack_variable var = { .pos = a->pos };
	const struct stack_kv *kv;
	size_t i;

	if (strmap_get(&c->asked_index, ref->name, ref->len, &i))
		return &c->asked.v[i];
	c->expanded += ASKED_BYTES;
	kv = find(a->vars, ref->name, ref->len);
	var.name = arena_strndup(c->arena, ref->name, ref->len);
	if (kv) {
		var.value = kv->value;
		var.source = kv->pos;
	}
	strmap_put(&c->asked_index, var.name, ref->len, c->asked.n, NULL);
	vec_push(&c->asked, var);
	return &c->asked.v[c->asked.n - 1];
}

static void note_asked(void *arg, const struct interp_reference *ref)
{
	const struct asking *a = arg;
	struct stack_variable *var = asked_variable(a, ref);
	const char **text = ref->op == '-'   ? &var->fallback
			    : ref->op == '+' ? &var->alternate
					     : NULL;

	if (ref->op == '?')
		var->required = true;
	if (text && !*text)
		*text = arena_strndup(a->vars->common->arena, ref->arg,
				      (size_t)(ref->end - ref->arg));
}

/* ---- expanding ------------------------------------------------------------------------------- */

struct lookup {
	struct vars *vars;
	const struct envset *const *more;
	struct stack_pos pos;
	bool wants_uses;
	struct VEC(struct node_use) uses;
};

static void note_use(struct lookup *l, const char *name, size_t len, const struct stack_kv *kv)
{
	struct node_use use = { 0 };

	if (!l->wants_uses || l->uses.n == USES_MAX)
		return;
	for (size_t i = 0; i < l->uses.n; i++)
		if (!strncmp(l->uses.v[i].name, name, len) && !l->uses.v[i].name[len])
			return;
	use.name = arena_strndup(l->vars->common->arena, name, len);
	if (kv) {
		use.value = kv->value;
		use.source = kv->pos;
	}
	vec_push(&l->uses, use);
}

/* In an env file the `environment` of its service and its own earlier lines count too, but last. */
static const char *lookup_get(void *arg, const char *name, size_t len)
{
	struct lookup *l = arg;
	const struct stack_kv *kv = find(l->vars, name, len);

	for (const struct envset *const *more = l->more; !kv && more && *more; more++) {
		kv = envset_get(*more, name, len);
		kv = kv && kv->value ? kv : NULL;
	}
	note_use(l, name, len, kv);
	return kv ? kv->value : NULL;
}

static void lookup_unset(void *arg, const char *name, size_t len)
{
	const struct lookup *l = arg;
	struct vars_common *c = l->vars->common;
	const char *key;

	if (strmap_get(&c->warned, name, len, &(size_t){ 0 }))
		return;
	key = arena_strndup(c->arena, name, len);
	strmap_put(&c->warned, key, len, 0, NULL);
	stack_diag_add(c->diags, STACK_WARNING, l->pos, UNSET_HINT,
		       "variable '%.80s' is not set: it becomes nothing", key);
}

static void give_uses(struct lookup *l, const struct node_use **ret_uses, uint32_t *ret_n_uses)
{
	struct node_use *uses;

	if (!ret_uses)
		return;
	*ret_n_uses = (uint32_t)l->uses.n;
	*ret_uses = NULL;
	if (!l->uses.n)
		return;
	uses = arena_array(l->vars->common->arena, struct node_use, l->uses.n);
	memcpy(uses, l->uses.v, l->uses.n * sizeof(*uses));
	*ret_uses = uses;
}

/* Most texts of a file are small, but the same long value in each of thousands is not. */
static const char *keep(const struct lookup *l, const struct buf *out, struct buf *why)
{
	struct vars_common *c = l->vars->common;

	if (vars_charge(c, out->len + l->uses.n * USE_BYTES))
		return arena_strdup(c->arena, buf_str(out));
	buf_printf(why, "variables make the files larger than %u MiB", VARS_EXPANDED_MAX >> 20);
	return NULL;
}

const char *vars_expand(struct vars *v, const struct envset *const *more, struct stack_pos pos,
			const char *text, size_t len, const struct node_use **ret_uses,
			uint32_t *ret_n_uses, struct buf *why)
{
	struct lookup l = { .vars = v, .more = more, .pos = pos, .wants_uses = ret_uses };
	struct interp_source src = { lookup_get, lookup_unset, &l };
	struct asking asking = { v, pos };
	_cleanup_(buf_fini) struct buf out = { 0 };
	const char *result = NULL;

	if (!more)
		interp_walk(text, len, note_asked, &asking);
	if (!more && v->common->literal)
		result = arena_strndup(v->common->arena, text, len);
	else if (interp_expand(&src, text, len, &out, why) == 0)
		result = keep(&l, &out, why);
	if (result)
		give_uses(&l, ret_uses, ret_n_uses);
	vec_fini(&l.uses);
	return result;
}

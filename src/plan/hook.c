/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hook: the commands of `post_start`, `pre_stop` and `x-exec`, each with the container's environment and its own over that. Called when the spec
 * of a slot is made. Users stay as text: only who runs the command knows the image.
 */
#include "plan/planner.h"

static bool is_set(const struct stack_kvs *kvs, const char *entry)
{
	size_t len = strcspn(entry, "=");

	for (size_t i = 0; i < kvs->n; i++)
		if (strlen(kvs->v[i].key) == len && !strncmp(kvs->v[i].key, entry, len))
			return true;
	return false;
}

static const char *const *environment(struct planner *p, const struct plan_slot *slot,
				      const struct stack_kvs *own)
{
	const char *const *base = slot->box.envp;
	const char **env;
	size_t n = 0, k = 0;

	while (base[n])
		n++;
	env = arena_array(p->arena, const char *, n + own->n + 1);
	for (size_t i = 0; i < n; i++)
		if (!is_set(own, base[i]))
			env[k++] = base[i];
	for (size_t i = 0; i < own->n; i++)
		if (own->v[i].value)
			env[k++] = arena_printf(p->arena, "%s=%s", own->v[i].key, own->v[i].value);
	env[k] = NULL;
	return env;
}

static struct plan_hook make_hook(struct planner *p, const struct plan_slot *slot,
				  const struct stack_hook *h)
{
	const char **argv = arena_array(p->arena, const char *, h->command.n + 1);

	for (size_t i = 0; i < h->command.n; i++)
		argv[i] = h->command.v[i].text;
	argv[h->command.n] = NULL;
	return (struct plan_hook){
		.argv = argv,
		.envp = environment(p, slot, &h->environment),
		.cwd = h->working_dir.text,
		.user = h->user.text,
		.privileged = h->privileged,
		.line = h->pos.line,
	};
}

static struct plan_hooks make_hooks(struct planner *p, const struct plan_slot *slot,
				    const struct stack_hook *list, size_t n)
{
	struct plan_hook *v = arena_array(p->arena, struct plan_hook, n);

	for (size_t i = 0; i < n; i++)
		v[i] = make_hook(p, slot, &list[i]);
	return (struct plan_hooks){ v, n };
}

void planner_hooks(struct planner *p, struct plan_slot *slot)
{
	const struct stack_service *s = slot->service;

	slot->post_start = make_hooks(p, slot, s->post_start, s->n_post_start);
	slot->pre_stop = make_hooks(p, slot, s->pre_stop, s->n_pre_stop);
	slot->exec = make_hooks(p, slot, s->exec, s->n_exec);
}

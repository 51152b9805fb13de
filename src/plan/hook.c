/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hook: the commands of `post_start`, `pre_stop` and `x-exec`, each with the container's environment and its own over that, and the
 * containers of `pre_start`, which are the service's with another command and maybe another image. Called when the spec of a slot is
 * made, as the last part of it. Users stay as text: only who runs the command looks into the image.
 */
#include <stdio.h>

#include "plan/planner.h"

static bool is_set(const struct stack_kvs *kvs, const char *entry)
{
	size_t len = strcspn(entry, "=");

	for (size_t i = 0; i < kvs->n; i++)
		if (strlen(kvs->v[i].key) == len && !strncmp(kvs->v[i].key, entry, len))
			return true;
	return false;
}

static const char *const *environment(struct planner *p, const char *const *base,
				      const struct stack_kvs *own)
{
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
		.envp = environment(p, slot->box.envp, &h->environment),
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

/* ---- pre_start ------------------------------------------------------------------------------- */

static size_t count(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

/* As docker runs an image with a command: behind the entrypoint of that image, whatever the service's own is. */
static const char *const *step_command(struct planner *p, const struct plan_slot *slot,
				       const struct stack_hook *h, const struct store_image *img)
{
	bool own = h->command.n;
	size_t n = 0, entry = count(img->entrypoint), rest = own ? h->command.n : count(img->cmd);
	const char **argv = arena_array(p->arena, const char *, entry + rest + 1);

	for (size_t i = 0; i < entry; i++)
		argv[n++] = img->entrypoint[i];
	for (size_t i = 0; i < rest; i++)
		argv[n++] = own ? h->command.v[i].text : img->cmd[i];
	argv[n] = NULL;
	if (!n)
		stack_diag_add(p->diags, STACK_ERROR, h->pos, "write `command:`",
			       "service '%s': pre_start: no command: the image '%s' brings none",
			       slot->service->name,
			       h->image.text ? h->image.text : slot->service->image.text);
	return argv;
}

static const struct store_image *step_image(struct planner *p, const struct plan_slot *slot,
					    const struct stack_hook *h)
{
	for (size_t i = 0; h->image.text && i < p->host->n_mounted; i++)
		if (!strcmp(p->host->mounted[i].name, h->image.text))
			return p->host->mounted[i].image;
	return slot->image;
}

/* Of the container it has mounts, network, limits and rights; not its command, and nobody types into it. */
static struct plan_step make_step(struct planner *p, const struct plan_slot *slot,
				  const struct stack_hook *h)
{
	const struct stack_service *s = slot->service;
	const struct store_image *img = step_image(p, slot, h);
	struct plan_step step = { .box = slot->box,
				  .image = img,
				  .user = h->user.text ? h->user.text : s->user.text,
				  .own_image = img != slot->image,
				  .line = h->pos.line };
	struct box_spec *b = &step.box;

	b->argv = step_command(p, slot, h, img);
	b->envp = environment(
		p, planner_environment(p, slot, img, &p->host->users[planner_service(p, s)]),
		&h->environment);
	b->cwd = h->working_dir.text   ? h->working_dir.text
		 : s->working_dir.text ? s->working_dir.text
				       : img->working_dir;
	b->tty = false;
	if (step.own_image) {
		b->lower = (const char *const *)img->layers;
		b->n_lower = img->n_layers;
		b->host_root = b->writable_root = false;
	}
	if (h->privileged) {
		b->caps = ~(uint64_t)0;
		b->unfiltered = b->new_privileges = true;
	}
	return step;
}

/* What is done once for a service is done by its first container, while the others wait. A one-off is none of them. */
static struct plan_steps make_steps(struct planner *p, const struct plan_slot *slot)
{
	const struct stack_service *s = slot->service;
	struct plan_step *v = arena_array(p->arena, struct plan_step, s->n_pre_start);
	size_t n = 0;

	for (size_t i = 0; i < s->n_pre_start && !p->extra; i++)
		if (slot->index == 1 || s->pre_start[i].per_replica)
			v[n++] = make_step(p, slot, &s->pre_start[i]);
	return (struct plan_steps){ v, n };
}

void planner_hooks(struct planner *p, struct plan_slot *slot)
{
	const struct stack_service *s = slot->service;

	slot->pre_start = make_steps(p, slot);
	slot->post_start = make_hooks(p, slot, s->post_start, s->n_post_start);
	slot->pre_stop = make_hooks(p, slot, s->pre_stop, s->n_pre_stop);
	slot->exec = make_hooks(p, slot, s->exec, s->n_exec);
}

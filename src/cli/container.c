/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * container: see container.h. Called by exec, cp, top and stats.
 */
#include <stdio.h>

#include "cli/container.h"
#include "cli/servicename.h"
#include "mstack/rootless.h"
#include "mstack/sup.h"
#include "mstack/sup_keep.h"

/* Supervisors do not die in a row. */
enum { TRIES = 10 };

unsigned long cli_slot_index(const char *slot, const char *service)
{
	const char *dash = strrchr(slot, '-');
	size_t len = dash ? (size_t)(dash - slot) : 0;
	unsigned long n;
	char *end;

	if (!len || dash[1] < '1' || dash[1] > '9' ||
	    (service && (strlen(service) != len || strncmp(slot, service, len) != 0)))
		return 0;
	n = strtoul(dash + 1, &end, 10);
	return *end ? 0 : n;
}

char *cli_slot_service(const char *slot)
{
	const char *dash = strrchr(slot, '-');

	return xasprintf("%.*s", (int)(dash ? dash - slot : (ptrdiff_t)strlen(slot)), slot);
}

/* ---- all of a project ------------------------------------------------------------------------ */

static int by_service(const void *a, const void *b)
{
	const char *left = *(char *const *)a, *right = *(char *const *)b;
	_cleanup_free_ char *one = cli_slot_service(left), *two = cli_slot_service(right);
	unsigned long i = cli_slot_index(left, NULL), k = cli_slot_index(right, NULL);
	int order = strcmp(one, two);

	return order ? order : (i > k) - (i < k);
}

/* Without the file the containers tell what there is. */
static int no_service(const struct cli_containers *c, const char *service, struct err *err)
{
	struct cli_words there = { 0 };

	for (char **slot = c->slots; slot && *slot; slot++)
		vec_push(&there, cli_slot_service(*slot));
	cli_services_none(c->command, service, c->project, &there, err);
	for (size_t i = 0; i < there.n; i++)
		free((char *)there.v[i]);
	vec_fini(&there);
	return -1;
}

void cli_containers_fini(struct cli_containers *c)
{
	for (char **slot = c->slots; slot && *slot; slot++)
		free(*slot);
	free(take_ptr(&c->slots));
}

/* Of one that dies, or is taken up by another, while we look, nothing or half of it would be seen. */
static void list(struct cli_containers *c)
{
	pid_t now = c->supervisor;

	for (int i = 0; now && i < TRIES; i++) {
		c->supervisor = now;
		cli_containers_fini(c);
		c->slots = box_running_list(c->supervisor);
		now = sup_holder(c->project->name);
		if (now == c->supervisor)
			break;
	}
}

int cli_containers_open(struct cli_containers *c, const char *command, const struct cli_project *p,
			struct err *err)
{
	size_t n = 0;

	*c = (struct cli_containers){ command, p, sup_holder(p->name), NULL };
	if (!c->supervisor && sup_living_elsewhere(p->name, err) < 0)
		return err_wrap(err, "%s", command);
	if (!c->supervisor)
		return err_set(err, "%s: stack '%s' is not up: see 'mstack up'", command, p->name);
	/* What is the supervisor's and its containers' is shown to root of their user namespace only. */
	if (rootless_outside() && rootless_join(c->supervisor, err) < 0)
		return err_wrap(err, "%s: stack '%s'", command, p->name);
	list(c);
	while (c->slots[n])
		n++;
	qsort(c->slots, n, sizeof(*c->slots), by_service);
	return 0;
}

int cli_containers_known(const struct cli_containers *c, const char *service, struct err *err)
{
	const struct stack *stack = c->project->stack;

	if (stack && stack_find_service(stack, service))
		return 0;
	for (char **slot = c->slots; slot && *slot; slot++)
		if (cli_slot_index(*slot, service))
			return 0;
	return no_service(c, service, err);
}

int cli_containers_check(const struct cli_containers *c, const struct cli_options *o,
			 struct err *err)
{
	for (size_t i = 0; i < o->args.n; i++)
		if (cli_containers_known(c, o->args.v[i], err) < 0)
			return -1;
	return 0;
}

bool cli_containers_wanted(const struct cli_options *o, const char *slot)
{
	for (size_t i = 0; i < o->args.n; i++)
		if (cli_slot_index(slot, o->args.v[i]))
			return true;
	return !o->args.n;
}

/* ---- one of them ----------------------------------------------------------------------------- */

static int parse_index(const struct cli_containers *c, const char *text, unsigned long *ret,
		       struct err *err)
{
	size_t len = text ? strlen(text) : 0;

	*ret = 0;
	if (!text)
		return 0;
	if (!len || len > 9 || strspn(text, "0123456789") != len || *text == '0')
		return err_kind(err, ERR_USAGE, "%s: --index: '%s' is not a number from 1 on",
				c->command, text);
	*ret = strtoul(text, NULL, 10);
	return 0;
}

/* Which of them runs, for who asked for one that does not. */
static int no_index(const struct cli_containers *c, const char *service, unsigned long wanted,
		    struct err *err)
{
	struct buf list = { 0 };

	for (char **slot = c->slots; *slot; slot++)
		if (cli_slot_index(*slot, service))
			buf_printf(&list, "%s%lu", list.len ? ", " : "",
				   cli_slot_index(*slot, service));
	err_set(err, "%s: service '%s': --index %lu is not running; running: %s", c->command,
		service, wanted, buf_str(&list));
	buf_fini(&list);
	return -1;
}

static int choose(const struct cli_containers *c, const char *service, unsigned long wanted,
		  const char **ret, struct err *err)
{
	bool any = false;

	*ret = NULL;
	for (char **slot = c->slots; *slot && !*ret; slot++) {
		unsigned long n = cli_slot_index(*slot, service);

		any |= n > 0;
		if (n && (!wanted || n == wanted))
			*ret = *slot;
	}
	if (*ret)
		return 0;
	if (cli_containers_known(c, service, err) < 0)
		return -1;
	if (any)
		return no_index(c, service, wanted, err);
	return err_set(err, "%s: service '%s' is not running: see 'mstack ps -a'", c->command,
		       service);
}

struct box_running *cli_containers_slot(struct cli_containers *c, const char *slot, struct err *err)
{
	struct box_running *r = box_running_get(c->supervisor, slot, err);
	pid_t now = r ? c->supervisor : sup_holder(c->project->name);

	if (!now || now == c->supervisor)
		return r;
	c->supervisor = now;
	*err = (struct err){ 0 };
	return box_running_get(now, slot, err);
}

struct box_running *cli_containers_get(struct cli_containers *c, const char *service,
				       const char *index, struct err *err)
{
	struct box_running *r;
	unsigned long wanted;
	const char *slot;

	if (parse_index(c, index, &wanted, err) < 0 || choose(c, service, wanted, &slot, err) < 0)
		return NULL;
	r = cli_containers_slot(c, slot, err);
	if (!r)
		err_wrap(err, "%s: service '%s'", c->command, service);
	return r;
}

int cli_container_user(const struct box_running *r, const char *spec, struct store_user *ret,
		       struct err *err)
{
	char root[48];
	char *const layers[] = { root };
	const struct store_image as_image = { .layers = (char **)layers, .n_layers = 1 };

	snprintf(root, sizeof(root), "/proc/self/fd/%d", r->root);
	return store_user(&as_image, spec, ret, err);
}

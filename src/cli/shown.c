/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shown: see shown.h. Called by up.c and reup.c.
 */
#include <string.h>

#include "cli/shown.h"

static bool is_named(const struct cli_words *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->v[i], name))
			return true;
	return false;
}

/* Who is named to be shown is shown, whatever the file says; the option that hides has the last word. The rest is as under compose. */
bool cli_shows(const struct cli_options *o, const struct stack *stack, const char *service)
{
	const struct stack_service *s = stack_find_service(stack, service);

	if (is_named(&o->no_attach, service))
		return false;
	if (o->attach.n)
		return is_named(&o->attach, service);
	if (s && s->no_attach)
		return false;
	return !o->args.n || (s && o->attach_deps) || is_named(&o->args, service);
}

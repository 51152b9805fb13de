/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * servicename: see servicename.h. Called by all commands that take names of services and load the file to look at it; what stack_load is
 * told of it checks itself.
 */
#include "cli/servicename.h"
#include "cli/client.h"

int cli_services_none(const char *command, const char *service, const struct cli_project *p,
		      const struct cli_words *others, struct err *err)
{
	const struct stack *stack = p->stack;
	struct cli_words names = { 0 };
	const char *near;

	for (size_t i = 0; stack && i < stack->n_services; i++)
		vec_push(&names, stack->services[i].name);
	for (size_t i = 0; others && i < others->n; i++)
		vec_push(&names, others->v[i]);
	near = nearest_name(service, names.v, names.n);
	vec_fini(&names);
	if (near)
		return err_kind(err, ERR_USAGE, "%s: no such service: '%s': did you mean '%s'?",
				command, service, near);
	return err_kind(err, ERR_USAGE, "%s: no such service: '%s' in stack '%s'", command, service,
			p->name);
}

static bool is_in(const struct cli_words *names, const char *service)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->v[i], service))
			return true;
	return false;
}

int cli_services_check(const struct cli_options *o, const struct cli_project *p, const json_t *rows,
		       const char *command, struct err *err)
{
	struct cli_words there = { 0 };
	const json_t *row;
	size_t i;
	int rc = 0;

	json_array_foreach(rows, i, row)
		vec_push(&there, cli_string(row, "Service"));
	for (i = 0; !rc && i < o->args.n; i++) {
		const char *service = o->args.v[i];

		if (!(p->stack && stack_find_service(p->stack, service)) && !is_in(&there, service))
			rc = cli_services_none(command, service, p, &there, err);
	}
	vec_fini(&there);
	return rc;
}

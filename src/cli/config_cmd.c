/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: `mstack config`, the checked stack in its full form. Touches nothing and needs no rights.
 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/project.h"

static void print_names(const struct cli_options *o, const struct stack *s)
{
	for (size_t i = 0; o->services && i < s->n_services; i++)
		puts(s->services[i].name);
	for (size_t i = 0; o->networks && i < s->n_networks; i++)
		puts(s->networks[i].key);
	for (size_t i = 0; o->volumes && i < s->n_volumes; i++)
		puts(s->volumes[i].key);
	for (size_t i = 0; o->images && i < s->n_services; i++)
		puts(s->services[i].image.text);
}

static void print_stack(const struct cli_options *o, const struct stack *s)
{
	bool json = o->format && !strcmp(o->format, "json");
	struct buf b = { 0 };

	stack_config(s, json ? STACK_JSON : STACK_YAML, &b);
	fputs(buf_str(&b), stdout);
	buf_fini(&b);
}

int cli_config(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	const struct cli_term t = cli_term_get(o);

	if (cli_project_load(o, &p, err) < 0)
		return -1;
	cli_diags_print(p.diags, &t);
	if (o->services || o->networks || o->volumes || o->images)
		print_names(o, p.stack);
	else if (!o->quiet)
		print_stack(o, p.stack);
	return 0;
}

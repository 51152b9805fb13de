/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan: `mstack plan`: what `up` would do, per container and key, and why. Asks the supervisor when the stack runs; without one
 * everything in the file would be created. Changes nothing.
 */
#include <stdio.h>
#include <unistd.h>

#include "cli/apply.h"
#include "cli/command.h"
#include "cli/images.h"
#include "cli/unsupervised.h"
#include "mstack/sup.h"

enum { PENDING = 10 };

static void add_net(struct cli_apply *a, const char *what, const char *name)
{
	json_array_append_new(a->nets, json_pack("{s:s, s:s}", what, name, "action", "create"));
}

/* Nothing runs. */
static void create_all(struct cli_apply *a)
{
	const struct stack *s = a->project->stack;

	for (size_t i = 0; i < s->n_networks; i++)
		if (s->networks[i].used && !s->networks[i].external)
			add_net(a, "network", s->networks[i].key);
	for (size_t i = 0; i < s->n_wires; i++) {
		const struct stack_end *ends = s->wires[i].ends;
		_cleanup_free_ char *name = xasprintf("%s %s", ends[0].text, ends[1].text);

		add_net(a, "wire", name);
	}
	for (size_t i = 0; i < s->n_services; i++)
		for (unsigned k = 1; k <= s->services[i].scale; k++) {
			_cleanup_free_ char *name = xasprintf("%s-%u", s->services[i].name, k);

			json_array_append_new(a->slots,
					      json_pack("{s:s, s:s, s:s, s:b}", "slot", name,
							"service", s->services[i].name, "action",
							"create", "starts", 1));
		}
}

static void print_json(const json_t *list)
{
	const json_t *row;
	size_t i;

	json_array_foreach(list, i, row) {
		char *text = json_dumps(row, JSON_COMPACT);

		if (text)
			puts(text);
		free(text);
	}
}

static void print(const struct cli_apply *a, const struct cli_term *t)
{
	struct buf out = { 0 };

	if (a->o->format && !strcmp(a->o->format, "json")) {
		print_json(a->slots);
		print_json(a->nets);
		print_json(a->keys);
		return;
	}
	cli_apply_print(a, t->out_colour, &out);
	fputs(buf_str(&out), stdout);
	buf_fini(&out);
}

/* What `up` would refuse at once. An ordinary user's `up` looks from namespaces that a plan does not go into. */
static int look_at_host(const struct cli_options *o, struct cli_project *project,
			struct cli_term *term, struct err *err)
{
	const struct sup_opts opts = { .stack = project->stack,
				       .diags = project->diags,
				       .timeout_ms = -1 };
	int rc;

	/* One that is just coming or going has its ports itself. */
	if (geteuid() != 0 || sup_owner(project->name))
		return 0;
	rc = cli_images_are_here(o, project->stack, err);
	if (rc < 0)
		return err_wrap(err, "plan");
	if (!rc) {
		cli_say(term, SUP_NOTE, NULL,
			"not all images are here, so the host was not looked at: 'up' does that");
		return 0;
	}
	rc = sup_check_host(&opts, err);
	cli_project_tell(project, term);
	if (rc < 0 && stack_diags_errors(project->diags))
		return cli_told(err, err->kind);
	return rc < 0 ? err_wrap(err, "plan: 'up' would fail") : 0;
}

static int run(struct cli_apply *a, struct cli_project *project, struct err *err)
{
	const struct cli_load how = { .for_run = true,
				      .services = &a->o->args,
				      .scales = a->scales };
	struct cli_term term = cli_term_get(a->o);
	int rc;

	if (cli_project_load(a->o, &how, project, err) < 0)
		return -1;
	cli_project_tell(project, &term);
	rc = cli_apply(a, true, err);
	if (rc < 0)
		return err_wrap(err, "plan");
	if (rc == 1 && cli_kept(project->name))
		return err_set(
			err,
			"plan: nobody supervises stack '%s': `mstack up -d` adopts it, and changes it to what the file says",
			project->name);
	if (rc == 1) {
		cli_unsupervised_tell(a->o, project->name);
		create_all(a);
	}
	print(a, &term);
	if (rc == 1 && look_at_host(a->o, project, &term, err) < 0)
		return -1;
	return a->o->exit_code && cli_apply_count(a) ? PENDING : 0;
}

int cli_plan(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project project = { 0 };
	struct cli_scales scales = { 0 };
	struct cli_apply a = { .o = o, .project = &project, .scales = &scales };
	int rc = -1;

	if (cli_scales_parse("plan: --scale", &o->scale, &scales, err) == 0)
		rc = run(&a, &project, err);
	cli_apply_fini(&a);
	cli_scales_fini(&scales);
	return rc;
}

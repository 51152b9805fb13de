/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pull: `mstack pull`: the images of a stack come from their registries, or with --check are compared with what is there.
 * Needs no supervisor; a stack that runs goes on with the images that it has.
 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/images.h"
#include "cli/project.h"
#include "cli/table.h"

/* Of --check: there is something to pull. */
#define EXIT_PENDING 10

static bool is_named(const struct cli_options *o, const char *service)
{
	for (size_t i = 0; i < o->args.n; i++)
		if (!strcmp(o->args.v[i], service))
			return true;
	return !o->args.n;
}

/* NULL: it is to be pulled; else why not. */
static const char *reason_not(const struct cli_options *o, const struct stack_service *s)
{
	enum stack_pull policy = o->policy ? STACK_PULL_ALWAYS : s->pull;

	if (!s->image_given)
		return "it has no image to pull";
	if (store_image_form(s->image.text) != STORE_NAME)
		return "its image is at a place of this machine";
	if (policy == STACK_PULL_NEVER || policy == STACK_PULL_BUILD)
		return "its policy is not to pull";
	if (o->ignore_buildable && s->build_context.text)
		return "its image can be built";
	return NULL;
}

/* What the user asks for by this command comes anew, but where the policy is `missing`. */
static int is_due(const struct cli_options *o, const struct store *store,
		  const struct stack_service *s, struct err *err)
{
	const char *policy = o->policy;

	if (!policy)
		policy = s->pull == STACK_PULL_MISSING ? "missing" : "always";
	return o->check ? 1 : cli_images_due(store, s, policy, err);
}

static int choose(const struct cli_options *o, const struct store *store, const struct stack *stack,
		  struct cli_pulls *pulls, struct err *err)
{
	struct cli_term term = cli_term_get(o);

	for (size_t i = 0; i < stack->n_services; i++) {
		const struct stack_service *s = &stack->services[i];
		const char *why = reason_not(o, s);
		int due;

		if (!o->include_deps && !is_named(o, s->name))
			continue;
		if (why && !o->quiet) {
			_cleanup_free_ char *text = xasprintf("%s skipped: %s", s->name, why);

			cli_say(&term, SUP_PROGRESS, NULL, text);
		}
		due = why ? 0 : is_due(o, store, s, err);
		if (due < 0)
			return -1;
		if (due)
			cli_images_add(pulls, s->image.text, o->check);
	}
	return 0;
}

/* ---- how it went ----------------------------------------------------------------------------- */

static int print_check(const struct cli_options *o, const struct cli_pulls *pulls)
{
	static const char *const heads[] = { "IMAGE", "STATUS", "DIGEST", NULL };
	static const char *const words[] = { [STORE_PULL_CURRENT] = "up to date",
					     [STORE_PULL_NEW] = "newer",
					     [STORE_PULL_ABSENT] = "not here" };
	struct cli_table *table = o->quiet ? NULL : cli_table_new(heads);
	int code = 0;

	for (size_t i = 0; i < pulls->n; i++) {
		const struct store_pull *p = &pulls->v[i];
		_cleanup_free_ char *digest =
			xasprintf("%s%.12s", *p->digest ? "sha256:" : "", p->digest);

		if (p->failed)
			continue;
		if (p->state != STORE_PULL_CURRENT)
			code = EXIT_PENDING;
		if (table)
			cli_table_row(table,
				      (const char *const[]){ p->image, words[p->state], digest });
		else if (p->state != STORE_PULL_CURRENT)
			puts(p->image);
	}
	if (table)
		cli_table_print(table);
	return code;
}

static bool is_buildable(const struct stack *stack, const char *image)
{
	for (size_t i = 0; i < stack->n_services; i++)
		if (stack->services[i].build_context.text &&
		    !strcmp(stack->services[i].image.text, image))
			return true;
	return false;
}

/* What can be built, and all when that is wished, is a warning. */
static void forgive(const struct cli_options *o, const struct stack *stack, struct cli_pulls *pulls)
{
	struct cli_term term = cli_term_get(o);

	for (size_t i = 0; i < pulls->n; i++) {
		struct store_pull *p = &pulls->v[i];

		if (!p->failed || !(o->ignore_failures || is_buildable(stack, p->image)))
			continue;
		cli_say(&term, SUP_WARNING, NULL, p->err.text);
		p->failed = false;
	}
}

static int run(const struct cli_options *o, struct store *s, const struct stack *stack,
	       struct cli_pulls *pulls, struct err *err)
{
	int code = 0;

	if (choose(o, s, stack, pulls, err) < 0 ||
	    cli_images_pull(s, o, pulls, o->quiet || o->check, err) < 0)
		return -1;
	if (o->check)
		code = print_check(o, pulls);
	else
		forgive(o, stack, pulls);
	return cli_images_judge(o, pulls, err) < 0 ? -1 : code;
}

int cli_pull(const struct cli_options *o, struct err *err)
{
	const struct cli_load how = { .services = &o->args };
	struct cli_project p = { 0 };
	struct cli_pulls pulls = { 0 };
	struct store *s;
	int rc = -1;

	if (cli_project_load(o, &how, &p, err) < 0)
		return -1;
	s = store_open(path_data_dir(), err);
	if (s)
		rc = run(o, s, p.stack, &pulls, err);
	/* A name that is none stands in the file. */
	if (rc < 0 && err->kind == ERR_USAGE)
		err->kind = ERR_STACK;
	store_close(s);
	vec_fini(&pulls);
	cli_project_fini(&p);
	return rc;
}

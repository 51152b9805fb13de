/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * images: see images.h. Called by `pull`, `image pull` and by whoever starts services. Waits for registries: never in the
 * supervisor's loop, but in the command before it.
 */
#include <stdio.h>

#include "cli/bar.h"
#include "cli/images.h"

/* ---- policies -------------------------------------------------------------------------------- */

static enum stack_pull policy_of(const struct stack_service *service, const char *word)
{
	static const struct {
		const char *word;
		enum stack_pull policy;
	} words[] = {
		{ "always", STACK_PULL_ALWAYS },
		{ "missing", STACK_PULL_MISSING },
		{ "never", STACK_PULL_NEVER },
		{ "build", STACK_PULL_BUILD },
	};

	for (size_t i = 0; word && i < ARRAY_LEN(words); i++)
		if (!strcmp(words[i].word, word))
			return words[i].policy;
	return service->pull;
}

/* Made from the host's own when there is no other. */
static bool is_built_in(const char *image)
{
	return (!strcmp(image, "busybox") || !strcmp(image, "busybox:latest")) &&
	       store_has_busybox();
}

int cli_images_due(const struct store *s, const struct stack_service *service, const char *word,
		   struct err *err)
{
	const char *image = service->image.text;
	enum stack_pull policy = policy_of(service, word);
	uint64_t age_s = 0;
	int there;

	if (store_image_form(image) != STORE_NAME || !service->image_given ||
	    policy == STACK_PULL_NEVER || policy == STACK_PULL_BUILD)
		return 0;
	if (policy == STACK_PULL_ALWAYS)
		return 1;
	there = store_image_age(s, image, &age_s, err);
	if (there < 0)
		return -1;
	if (!there)
		return !is_built_in(image);
	return policy == STACK_PULL_REFRESH &&
	       age_s >= (uint64_t)service->pull_after_ns / 1000000000;
}

void cli_images_add(struct cli_pulls *pulls, const char *image, bool check)
{
	for (size_t i = 0; i < pulls->n; i++)
		if (!strcmp(pulls->v[i].image, image))
			return;
	vec_push(pulls, ((struct store_pull){ .image = image, .check = check }));
}

/* ---- pulling --------------------------------------------------------------------------------- */

static void hear_line(void *arg, const char *line)
{
	struct cli_bar *bar = arg;

	cli_bar_clear(bar);
	cli_say((void *)bar->term, SUP_PROGRESS, NULL, line);
}

static void hear_progress(void *arg, uint64_t done, uint64_t total)
{
	cli_bar_set(arg, done, total);
}

static void tell_result(const struct cli_term *term, const struct store_pull *p)
{
	char text[512];

	if (p->failed || p->check)
		return;
	snprintf(text, sizeof(text), "%.400s: %s", p->image,
		 p->state == STORE_PULL_NEW ? "pulled" : "up to date");
	cli_say((void *)term, SUP_PROGRESS, NULL, text);
}

int cli_images_pull(struct store *s, const struct cli_options *o, struct cli_pulls *pulls,
		    bool quiet, struct err *err)
{
	struct cli_term term = cli_term_get(o);
	struct cli_bar bar = { .term = &term, .what = "pull", .grows = true };
	const struct store_hooks hooks = { .tell = quiet ? NULL : hear_line,
					   .progress = quiet ? NULL : hear_progress,
					   .arg = &bar };
	int rc;

	if (!pulls->n)
		return 0;
	/* What a child of ours would print twice. */
	fflush(stdout);
	fflush(stderr);
	rc = store_pull(s, pulls->v, pulls->n, &hooks, err);
	cli_bar_clear(&bar);
	for (size_t i = 0; !rc && !quiet && i < pulls->n; i++)
		tell_result(&term, &pulls->v[i]);
	return rc;
}

int cli_images_judge(const struct cli_options *o, const struct cli_pulls *pulls, struct err *err)
{
	struct cli_term term = cli_term_get(o);
	size_t failed = 0;

	for (size_t i = 0; i < pulls->n; i++)
		if (pulls->v[i].failed && !failed++)
			*err = pulls->v[i].err;
	if (failed < 2)
		return failed ? -1 : 0;
	for (size_t i = 0; i < pulls->n; i++)
		if (pulls->v[i].failed)
			cli_say(&term, SUP_ERROR, NULL, pulls->v[i].err.text);
	return err_set(err, "%zu of %zu images could not be pulled", failed, pulls->n);
}

/* ---- for up ---------------------------------------------------------------------------------- */

/* An image that can be built is no failure of ours: whether it is needed is seen when the service is prepared. */
static void forgive_buildable(const struct cli_options *o, const struct stack *stack,
			      struct store_pull *p)
{
	struct cli_term term = cli_term_get(o);

	for (size_t i = 0; p->failed && i < stack->n_services; i++) {
		const struct stack_service *s = &stack->services[i];

		if (!s->build_context.text || strcmp(s->image.text, p->image))
			continue;
		cli_say(&term, SUP_WARNING, NULL, p->err.text);
		p->failed = false;
	}
}

static int add_missing(const struct store *s, const char *image, struct cli_pulls *pulls,
		       struct err *err)
{
	uint64_t age_s;
	int there;

	if (store_image_form(image) != STORE_NAME)
		return 0;
	there = store_image_age(s, image, &age_s, err);
	if (!there && !is_built_in(image))
		cli_images_add(pulls, image, false);
	return there < 0 ? -1 : 0;
}

/* What its mounts show and its `pre_start` runs in, if it is not here, unless its policy is not to pull. */
static int add_others(const struct store *s, const struct cli_options *o,
		      const struct stack_service *service, struct cli_pulls *pulls, struct err *err)
{
	if (policy_of(service, o->pull) == STACK_PULL_NEVER)
		return 0;
	for (size_t i = 0; i < service->n_mounts; i++)
		if (service->mounts[i].type == STACK_IMAGE &&
		    add_missing(s, service->mounts[i].source, pulls, err) < 0)
			return -1;
	for (size_t i = 0; i < service->n_pre_start; i++)
		if (service->pre_start[i].image.text &&
		    add_missing(s, service->pre_start[i].image.text, pulls, err) < 0)
			return -1;
	return 0;
}

/* What is to be pulled, by the services' policies or by `policy`. */
static int gather(const struct store *s, const struct cli_options *o, const struct stack *stack,
		  const char *policy, struct cli_pulls *pulls, struct err *err)
{
	for (size_t i = 0; i < stack->n_services; i++) {
		int due = cli_images_due(s, &stack->services[i], policy, err);

		if (due < 0 || add_others(s, o, &stack->services[i], pulls, err) < 0)
			return -1;
		if (due)
			cli_images_add(pulls, stack->services[i].image.text, false);
	}
	return 0;
}

static int get(struct store *s, const struct cli_options *o, const struct stack *stack,
	       struct cli_pulls *pulls, struct err *err)
{
	if (gather(s, o, stack, o->pull, pulls, err) < 0)
		return -1;
	if (cli_images_pull(s, o, pulls, o->quiet_pull, err) < 0)
		return -1;
	for (size_t i = 0; i < pulls->n; i++)
		forgive_buildable(o, stack, &pulls->v[i]);
	return cli_images_judge(o, pulls, err);
}

int cli_images_are_here(const struct cli_options *o, const struct stack *stack, struct err *err)
{
	struct store *s = store_open(path_data_dir(), err);
	struct cli_pulls pulls = { 0 };
	int rc = s ? gather(s, o, stack, "missing", &pulls, err) : -1;

	if (rc == 0)
		rc = pulls.n == 0;
	vec_fini(&pulls);
	store_close(s);
	return rc;
}

int cli_images_check_build(const struct cli_options *o, const struct stack *stack, struct err *err)
{
	for (size_t i = 0; o->build && i < stack->n_services; i++) {
		const struct stack_service *s = &stack->services[i];

		if (s->build_context.text)
			return err_kind(
				err, ERR_USAGE,
				"--build: service '%s': mstack builds no images: leave it out, and '%s' is used when it is there",
				s->name, s->image.text);
	}
	return 0;
}

int cli_images_get(const struct cli_options *o, const struct stack *stack, struct err *err)
{
	struct store *s = store_open(path_data_dir(), err);
	struct cli_pulls pulls = { 0 };
	int rc = s ? get(s, o, stack, &pulls, err) : -1;

	/* Without a store it is this host that is wrong, not an image. */
	if (s && rc < 0)
		err->kind = ERR_CREATE;
	vec_fini(&pulls);
	store_close(s);
	return rc;
}

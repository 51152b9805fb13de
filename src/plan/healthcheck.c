/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a container is asked whether it is well: the service's check over that of its image, field by field, and what holds
 * where neither says anything. Rules: moby's merging of container and image configuration, daemon/commit.go.
 */
#include "plan/planner.h"

#define NS_PER_S 1000000000ll

struct words {
	const char **v;
	size_t n;
};

/* The service's words, or the image's when it has none of its own. */
static struct words test_of(struct planner *p, const struct stack_health *h,
			    const struct store_health *img)
{
	struct words w = { NULL, h->test.n };

	for (; !h->test.n && img->test && img->test[w.n];)
		w.n++;
	w.v = arena_array(p->arena, const char *, w.n + 1);
	for (size_t i = 0; i < w.n; i++)
		w.v[i] = h->test.n ? h->test.v[i].text : img->test[i];
	return w;
}

/* argv of the health check, or NULL. The first word of the test says how it is run. */
static const char *const *probe_command(struct planner *p, const struct words *test)
{
	const char **argv;
	size_t n = 0;

	if (test->n < 2)
		return NULL;
	argv = arena_array(p->arena, const char *, test->n + 3);
	if (strcmp(test->v[0], "CMD-SHELL") == 0) {
		argv[n++] = "/bin/sh";
		argv[n++] = "-c";
	} else if (strcmp(test->v[0], "CMD") != 0) {
		return NULL;
	}
	for (size_t i = 1; i < test->n; i++)
		argv[n++] = test->v[i];
	return argv;
}

static int64_t first_given(int64_t service, int64_t image, int64_t otherwise)
{
	return service ? service : image ? image : otherwise;
}

void planner_health(struct planner *p, struct plan_slot *slot, const struct store_image *img)
{
	const struct stack_health *h = &slot->service->health;
	const struct store_health *i = &img->health;
	const struct words test = test_of(p, h, i);

	slot->own_probe = h->disable ? NULL : h->probe;
	slot->probe = h->disable || h->probe ? NULL : probe_command(p, &test);
	slot->health = (struct plan_health){
		.interval_ns = first_given(h->interval_ns, i->interval_ns, 30 * NS_PER_S),
		.timeout_ns = first_given(h->timeout_ns, i->timeout_ns, 30 * NS_PER_S),
		.start_period_ns = first_given(h->start_period_ns, i->start_period_ns, 0),
		.start_interval_ns =
			first_given(h->start_interval_ns, i->start_interval_ns, 5 * NS_PER_S),
		.retries = (unsigned)first_given(h->retries, i->retries, 3),
	};
}

/* Only now it is known whether the images have one. Without, the wait would be for ever. */
void planner_health_waits(struct planner *p)
{
	for (size_t i = 0; i < p->plan->n_edges; i++) {
		const struct plan_edge *e = &p->plan->edges[i];
		const struct plan_slot *slot = &p->plan->slots[e->slot],
				       *on = &p->plan->slots[e->on];
		struct stack_pos pos = slot->service->pos;

		if (e->condition != STACK_HEALTHY || on->probe || on->own_probe)
			continue;
		for (size_t k = 0; k < slot->service->n_depends; k++)
			if (slot->service->depends[k].service == on->service)
				pos = slot->service->depends[k].pos;
		stack_diag_add(
			p->diags, STACK_ERROR, pos, "give it a 'healthcheck' with a 'test' or an 'x-probe'",
			"service '%s': depends_on: waits for '%s' to be healthy, but neither the file nor the "
			"image '%s' has a check",
			slot->service->name, on->service->name, on->service->image.text);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scenarios of tests/scenarios with made-up containers and a clock of their own, in which nobody waits: tests/e2e/scenarios.bats
 * runs the same files with the real ones. The language stands in tests/README.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

#include "fake/clock.h"
#include "sup/state.h"
#include "unit/sup/life.h"

enum { PATIENCE_MS = 120000, TURNS_MAX = 2000000 };

/* The supervisor's loop runs in a call of ours, so what the steps need is found by the watcher. */
struct play {
	struct sup *sup;
	ev_check watcher;
	ev_timer clock; /* so that time passes even if nobody waits for anything */
	char *step;	/* the present one, in the text of the file */
	uint64_t since_ms;
	unsigned well; /* a bit for each slot */
	unsigned turns;
	bool done;
	char wrong[256];
};

static struct play *current;

static struct sup_slot *actor(struct play *p, const char *service)
{
	for (size_t i = 0; i < p->sup->n_slots; i++)
		if (sup_is_service(&p->sup->slots[i]) &&
		    !strcmp(p->sup->slots[i].plan->service->name, service))
			return &p->sup->slots[i];
	return NULL;
}

/* A letter as in fake_slot.probes. A restart changes nothing, as a file of the container stays. */
static char probe(const char *slot)
{
	for (size_t i = 0; i < current->sup->n_slots; i++)
		if (!strcmp(current->sup->slots[i].plan->name, slot))
			return current->well >> i & 1 ? '+' : '-';
	return '-';
}

/* 1: goes on with the next step; 0: not yet. */
static int take_step(struct play *p, const char *verb, struct sup_slot *s, const char *arg,
		     unsigned ms)
{
	bool is = !strcmp(svc_compose_state(&s->svc), arg);
	uint64_t waited = time_mono_ms() - p->since_ms;

	if (!strcmp(verb, "expect"))
		return is;
	if (!strcmp(verb, "health"))
		return !strcmp(svc_health_name(s->health.state), arg);
	if (!strcmp(verb, "restarts"))
		return s->svc.restarts >= strtoul(arg, NULL, 10) &&
		       (strcmp(arg, "0") != 0 || s->svc.restarts == 0);
	if (!strcmp(verb, "stays")) {
		if (!is)
			snprintf(p->wrong, sizeof(p->wrong), "it is %s",
				 svc_compose_state(&s->svc));
		return waited >= ms;
	}
	if (!strcmp(verb, "well"))
		p->well |= 1u << s->nr;
	else if (!strcmp(verb, "sick"))
		p->well &= ~(1u << s->nr);
	else if (!strcmp(verb, "kill"))
		fake_end(s->plan->name, SIGKILL);
	else if (!strcmp(verb, "exit"))
		fake_end(s->plan->name, (int)strtoul(arg, NULL, 10) << 8);
	else
		snprintf(p->wrong, sizeof(p->wrong), "'%s' is no word of the language", verb);
	return 1;
}

static void next_step(struct play *p)
{
	char verb[16], service[32], arg[32] = "";
	unsigned ms = 0;
	struct sup_slot *s;

	if (sscanf(p->step, "%15s %31s %31s %u", verb, service, arg, &ms) < 2 ||
	    !(s = actor(p, service))) {
		snprintf(p->wrong, sizeof(p->wrong), "cannot be read");
		return;
	}
	if (take_step(p, verb, s, arg, ms)) {
		p->step += strcspn(p->step, "\n");
		p->step += strspn(p->step, "\n");
		p->since_ms = time_mono_ms();
	} else if (time_mono_ms() - p->since_ms > PATIENCE_MS || ++p->turns > TURNS_MAX) {
		snprintf(p->wrong, sizeof(p->wrong), "waited too long, it is %s",
			 svc_compose_state(&s->svc));
	}
}

/* One step a turn, so that each sees what the one before has led to. Not before `up` has begun all. */
static void turn_cb(struct ev_loop *loop, ev_check *w, int revents)
{
	struct play *p = w->data;

	(void)loop;
	(void)revents;
	if (p->done)
		return;
	p->done = p->sup->ending != ENDING_NO;
	if (*p->step && !*p->wrong)
		next_step(p);
	if (*p->step && !*p->wrong)
		return;
	if (!p->done)
		kill(getpid(), SIGTERM);
	p->done = true;
}

static void tick_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
}

static void begun(struct ev_loop *loop, void *sup)
{
	struct play *p = current;

	p->sup = sup;
	ev_check_init(&p->watcher, turn_cb);
	p->watcher.data = p;
	ev_check_start(loop, &p->watcher);
	ev_timer_init(&p->clock, tick_cb, 0.01, 0.01);
	ev_timer_start(loop, &p->clock);
}

/* The actors, and the file up to its line of dashes. */
static char *read_scenario(const char *path, struct buf *yaml)
{
	struct buf text = { 0 };
	char *steps;

	assert_int_equal(file_read(AT_FDCWD, "tests/scenarios/actors.yaml", 1 << 16, yaml), 0);
	assert_int_equal(file_read(AT_FDCWD, path, 1 << 16, &text), 0);
	steps = strstr(text.data, "\n---\n");
	assert_non_null(steps);
	*steps = 0;
	buf_printf(yaml, "\n%s\n", text.data);
	steps = xstrdup(steps + 5);
	buf_fini(&text);
	return steps;
}

static void run_scenario(const char *path)
{
	_cleanup_(buf_fini) struct buf yaml = { 0 };
	_cleanup_free_ char *steps = read_scenario(path, &yaml);
	struct play p = { .step = steps, .since_ms = time_mono_ms() };
	struct life l = new_life();

	current = &p;
	l.opts.foreground = false;
	l.world.begun = begun;
	l.world.probe = probe;
	fake_clock(true);
	live(&l, buf_str(&yaml), NULL, 0);
	fake_clock(false);
	if (*p.wrong || *p.step)
		fail_msg("%s: '%.*s': %s\n%s", path, (int)strcspn(p.step, "\n"), p.step, p.wrong,
			 buf_str(&l.said));
	end_life(&l);
}

static void test_scenarios(void **state)
{
	struct dirent **list;
	int n = scandir("tests/scenarios", &list, NULL, alphasort), ran = 0;

	(void)state;
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = xasprintf("tests/scenarios/%s", list[i]->d_name);

		if (strstr(list[i]->d_name, ".txt")) {
			run_scenario(path);
			ran++;
		}
		free(list[i]);
	}
	free(list);
	assert_true(ran > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_scenarios) };

	return cmocka_run_group_tests(tests, life_setup, life_teardown);
}

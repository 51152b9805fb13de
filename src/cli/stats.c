/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stats: `mstack stats`. Which containers there are is the supervisor's to say; what they use is read here, once a second.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/container.h"
#include "cli/meter.h"
#include "cli/rows.h"

#define INTERVAL_NS 1000000000ull

static const struct cli_column columns[] = {
	{ "CONTAINER ID", "ID" },
	{ "NAME", "Name" },
	{ "CPU %", "CPUPerc" },
	{ "MEM USAGE / LIMIT", "MemUsage" },
	{ "MEM %", "MemPerc" },
	{ "NET I/O", "NetIO" },
	{ "BLOCK I/O", "BlockIO" },
	{ "PIDS", "PIDs" },
	{ NULL, NULL },
};

struct watching {
	const struct cli_options *o;
	struct cli_containers containers;
	struct cli_term term;
	struct VEC(struct cli_meter) meters; /* the latest of each slot */
	bool told;			     /* of controllers that are missing */
};

/* ---- one container --------------------------------------------------------------------------- */

static struct cli_meter *meter_of(struct watching *w, const char *slot)
{
	for (size_t i = 0; i < w->meters.n; i++)
		if (!strcmp(w->meters.v[i].slot, slot))
			return &w->meters.v[i];
	vec_push(&w->meters, ((struct cli_meter){ .slot = xstrdup(slot) }));
	return &w->meters.v[w->meters.n - 1];
}

/* Once: a host that lacks one lacks it all the time. */
static void tell_missing(struct watching *w, unsigned missing)
{
	char why[160];

	for (unsigned one = 1; missing && !w->told; one <<= 1) {
		_cleanup_free_ char *text = NULL;

		if (!(missing & one))
			continue;
		missing &= ~one;
		box_controller_missing(one, why, sizeof(why));
		text = xasprintf("not counted: %s: no controller on cgroup v2 (%s)",
				 box_controller_name(one), why);
		cli_say(&w->term, SUP_NOTE, NULL, text);
	}
	w->told = true;
}

static json_t *row_of(struct watching *w, const json_t *slot_row)
{
	const char *slot = cli_string(slot_row, "Slot");
	struct box_running *r = cli_containers_slot(&w->containers, slot, &(struct err){ 0 });
	struct cli_meter *before = meter_of(w, slot), now = { .at_ns = time_mono_ns() };
	struct box_usage u;
	bool known = r && !box_running_usage(r, &u, &(struct err){ 0 });
	json_t *row = json_object();

	json_object_set(row, "ID", json_object_get(slot_row, "ID"));
	json_object_set(row, "Name", json_object_get(slot_row, "Name"));
	json_object_set(row, "Service", json_object_get(slot_row, "Service"));
	now.pid = known ? r->pid : 0;
	now.cpu_us = known ? u.cpu_us : 0;
	cli_meter_show(row, known ? &u : NULL, before->pid == now.pid ? before : NULL, &now);
	if (known)
		tell_missing(w, u.missing);
	now.slot = before->slot;
	*before = now;
	box_running_free(r);
	return row;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool is_wanted(const struct cli_options *o, const json_t *row)
{
	const char *state = cli_string(row, "State"), *service = cli_string(row, "Service");
	bool wanted = !o->args.n;

	for (size_t i = 0; i < o->args.n; i++)
		wanted |= !strcmp(o->args.v[i], service);
	return wanted && (o->all || !strcmp(state, "running") || !strcmp(state, "paused"));
}

/* 0 and *ret; 1 the stack is gone; -1. */
static int sample(struct watching *w, json_t **ret, struct err *err)
{
	json_t *slots, *slot;
	size_t i;
	int rc = cli_slots(w->containers.project->name, &slots, err);

	if (rc < 0)
		return -1;
	*ret = json_array();
	json_array_foreach(slots, i, slot)
		if (is_wanted(w->o, slot))
			json_array_append_new(*ret, row_of(w, slot));
	json_decref(slots);
	return rc;
}

/* A moment on a steady beat, whatever the work before took. */
static void wait_for_beat(uint64_t *beat)
{
	uint64_t now = time_mono_ns();
	struct timespec at;

	*beat = *beat + INTERVAL_NS > now ? *beat + INTERVAL_NS : now;
	at = (struct timespec){ (time_t)(*beat / 1000000000), (long)(*beat % 1000000000) };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static int print(const struct watching *w, const json_t *rows, struct err *err)
{
	int rc;

	if (!w->o->no_stream && w->term.out_tty && cli_rows_is_table(w->o))
		fputs("\033[H\033[J", stdout);
	rc = cli_rows_print(w->o, rows, columns, err);
	fflush(stdout);
	return rc;
}

/* The first look is what the second is compared with. */
static int watch(struct watching *w, struct err *err)
{
	uint64_t beat = time_mono_ns();
	json_t *rows;
	int rc = sample(w, &rows, err);

	while (!rc) {
		json_decref(rows);
		wait_for_beat(&beat);
		rc = sample(w, &rows, err);
		if (rc)
			break;
		rc = print(w, rows, err);
		if (!rc && !w->o->no_stream)
			continue;
		json_decref(rows);
		return rc;
	}
	if (rc > 0)
		json_decref(rows);
	return rc < 0 ? err_wrap(err, "stats") : 0;
}

int cli_stats(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	struct watching w = { .o = o, .term = cli_term_get(o) };
	int rc = -1;

	if (cli_project_find(o, &p, err) == 0 &&
	    cli_containers_open(&w.containers, "stats", &p, err) == 0 &&
	    cli_containers_check(&w.containers, o, err) == 0)
		rc = watch(&w, err);
	cli_containers_fini(&w.containers);
	for (size_t i = 0; i < w.meters.n; i++)
		free(w.meters.v[i].slot);
	vec_fini(&w.meters);
	return rc;
}

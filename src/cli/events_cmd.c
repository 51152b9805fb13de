/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events: `mstack events`. Reads and watches the journal's files itself, so it goes on over the end of one supervisor and the
 * beginning of the next, and a slow reader costs nobody anything.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/entries.h"
#include "cli/keyfilter.h"
#include "cli/moment.h"
#include "cli/project.h"
#include "cli/servicename.h"

struct watching {
	const struct cli_options *o;
	const struct cli_term *term;
	uint64_t after; /* --after; 0: not given */
	uint64_t last;	/* number of the last entry that was met */
};

/* What belongs to no service (the stack, its links) is shown when none is named. */
static bool is_wanted(const struct cli_options *o, const json_t *entry)
{
	const char *service = cli_string(entry, "service"), *slot = cli_string(entry, "slot");

	for (size_t i = 0; i < o->args.n; i++)
		if (!strcmp(o->args.v[i], service) || !strcmp(o->args.v[i], slot))
			return true;
	return !o->args.n;
}

/* ---- filters --------------------------------------------------------------------------------- */

static bool is_event(const json_t *entry, const char *value)
{
	const char *action = cli_string(entry, "action");
	size_t len = strlen(value);

	/* As docker: `health_status` is all that begin so, `health_status: healthy` that one. */
	return !strncmp(action, value, len) && (!action[len] || action[len] == ':');
}

static bool is_type(const json_t *entry, const char *value)
{
	return !strcmp(cli_string(entry, "type"), value);
}

static bool is_service(const json_t *entry, const char *value)
{
	return !strcmp(cli_string(entry, "service"), value);
}

static bool is_container(const json_t *entry, const char *value)
{
	const char *slot = cli_string(entry, "slot");

	return *slot && (!strcmp(slot, value) || !strcmp(cli_string(entry, "id"), value) ||
			 !strcmp(cli_string(json_object_get(entry, "attributes"), "name"), value));
}

static const struct cli_filter filters[] = {
	{ "container", is_container }, { "event", is_event }, { "service", is_service },
	{ "type", is_type },	       { NULL, NULL },
};

/* ---- entries --------------------------------------------------------------------------------- */

/* As docker compose prints it; attributes are in the order of the journal. */
static void print(const struct cli_entry *e)
{
	const json_t *attributes = json_object_get(e->object, "attributes"), *value;
	time_t s = (time_t)(e->wall_ns / 1000000000u);
	_cleanup_(buf_fini) struct buf line = { 0 };
	const char *key, *between = " (";
	struct tm tm = { 0 };
	char stamp[32];

	strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", localtime_r(&s, &tm));
	buf_printf(&line, "%s.%06u %s %s %s", stamp, (unsigned)(e->wall_ns % 1000000000u / 1000),
		   cli_string(e->object, "type"), cli_string(e->object, "action"),
		   cli_string(e->object, "id"));
	json_object_foreach((json_t *)attributes, key, value) {
		buf_printf(&line, "%s%s=%s", between, key,
			   json_string_value(value) ? json_string_value(value) : "");
		between = ", ";
	}
	buf_printf(&line, "%s\n", json_object_size(attributes) ? ")" : "");
	fwrite(line.data, 1, line.len, stdout);
}

/* Numbers between those of two entries that follow each other: a full disk, or rotation, took them. */
static void tell_gap(const struct watching *w, uint64_t seq)
{
	_cleanup_free_ char *text = NULL;

	if (!w->last || seq <= w->last + 1)
		return;
	text = xasprintf("events %" PRIu64 " to %" PRIu64 " are not kept any more", w->last + 1,
			 seq - 1);
	cli_say((void *)w->term, SUP_WARNING, NULL, text);
}

static int on_entry(void *arg, const struct cli_entry *e)
{
	struct watching *w = arg;

	if (w->after && e->seq <= w->after)
		return 0;
	tell_gap(w, e->seq);
	w->last = e->seq;
	if (!is_wanted(w->o, e->object) || !cli_filters_pass(&w->o->filters, filters, e->object))
		return 0;
	if (w->o->json) {
		fwrite(e->text, 1, e->len, stdout);
		putchar('\n');
	} else {
		print(e);
	}
	return ferror(stdout);
}

/* All that is there has been shown: whoever reads from a pipe wants it now. */
static bool on_pause(void *arg)
{
	(void)arg;
	return fflush(stdout) != 0;
}

static int find_newest(void *arg, const struct cli_entry *e)
{
	*(uint64_t *)arg = e->seq;
	return 0;
}

/* Whoever resumes at a number that is yet to come would wait, and then miss what comes under it. */
static int check_after(const struct watching *w, const char *project, struct err *err)
{
	const struct logs_query q = { .tail = 1 };
	uint64_t newest = 0;

	if (!w->after)
		return 0;
	if (cli_entries_read(project, &q, find_newest, &newest, err) < 0)
		return -1;
	return newest >= w->after
		       ? 0
		       : err_set(err,
				 "events: --after %" PRIu64 ": the journal of '%s' ends at %" PRIu64
				 ": it was begun anew; leave --after out",
				 w->after, project, newest);
}

static int parse(const struct cli_options *o, struct logs_query *q, uint64_t *ret_after,
		 struct err *err)
{
	size_t len = o->after ? strlen(o->after) : 0;

	if (o->after && (!len || len > 18 || strspn(o->after, "0123456789") != len))
		return err_kind(err, ERR_USAGE,
				"events: --after: '%s' is no number of an event ('seq' of --json)",
				o->after);
	*ret_after = o->after ? strtoull(o->after, NULL, 10) : 0;
	if (!o->since && !o->after)
		q->since_ns = time_wall_ns();
	if (cli_moment_parse("events", "since", o->since, &q->since_ns, err) < 0 ||
	    cli_moment_parse("events", "until", o->until, &q->until_ns, err) < 0)
		return -1;
	q->follow = !q->until_ns || q->until_ns > time_wall_ns();
	return 0;
}

int cli_events(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project project = { 0 };
	const struct cli_term term = cli_term_get(o);
	struct watching w = { .o = o, .term = &term };
	struct logs_query q = { .tail = -1, .stop = on_pause };
	json_t *rows;
	int rc;

	if (cli_filters_check("events", &o->filters, filters, err) < 0 || parse(o, &q, &w.after, err) < 0 ||
	    cli_project_find(o, &project, err) < 0 || cli_slots(project.name, &rows, err) < 0)
		return -1;
	w.last = w.after;
	/* Without a file any name will do: it may be one of a service that is gone. */
	rc = project.stack ? cli_services_check(o, &project, rows, "events", err) : 0;
	json_decref(rows);
	if (rc < 0 || check_after(&w, project.name, err) < 0)
		return -1;
	return cli_entries_read(project.name, &q, on_entry, &w, err);
}

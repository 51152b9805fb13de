/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * why: `mstack why`. What the journal says of services as sentences, and below how they are now, which a running supervisor is asked.
 */
#include <stdio.h>
#include <time.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/container.h"
#include "cli/entries.h"
#include "cli/moment.h"
#include "cli/rows.h"
#include "cli/servicename.h"
#include "cli/whywords.h"

/* Of a journal at most so many; older ones explain nothing any more. */
#define ENTRIES_MAX 100000
#define TAIL	    10

struct asking {
	const struct cli_options *o;
	struct cli_project project;
	json_t *entries; /* of containers */
	json_t *rows;	 /* of ps */
	json_t *slots;	 /* names as keys, in the order of ps, then of the journal */
	int64_t tail;
	bool down; /* no supervisor is there */
	bool lost; /* and the journal has no word of its end, */
	json_t *last; /* but this one; or NULL */
	json_t *failed; /* the exchange of the program after which the stack went on without a supervisor; or NULL */
};

/* ---- what there is --------------------------------------------------------------------------- */

static void take_stack(struct asking *a, const json_t *o)
{
	const char *action = cli_string(o, "action");
	bool failed = !strcmp(action, "reexec-failed");

	a->lost = strcmp(action, "down") != 0;
	json_decref(a->last);
	a->last = json_incref((json_t *)o);
	if (!strcmp(action, "adopt") || !strcmp(action, "reload"))
		return;
	json_decref(a->failed);
	a->failed = failed ? json_incref((json_t *)o) : NULL;
}

static int on_entry(void *arg, const struct cli_entry *e)
{
	struct asking *a = arg;
	const char *type = cli_string(e->object, "type");

	if (json_array_size(a->entries) >= ENTRIES_MAX)
		json_array_remove(a->entries, 0);
	if (!strcmp(type, "stack"))
		take_stack(a, e->object);
	if (!strcmp(type, "container") && *cli_string(e->object, "slot"))
		json_array_append(a->entries, (json_t *)e->object);
	return 0;
}

/* A service, or one container of it by its slot's name. */
static bool is_wanted(const struct cli_options *o, const char *service, const char *slot)
{
	for (size_t i = 0; i < o->args.n; i++)
		if (!strcmp(o->args.v[i], service) || !strcmp(o->args.v[i], slot))
			return true;
	return !o->args.n;
}

/* Those that are there now; by name also those that were. */
static void find_slots(struct asking *a)
{
	const json_t *o;
	size_t i;

	json_array_foreach(a->rows, i, o)
		if (is_wanted(a->o, cli_string(o, "Service"), cli_string(o, "Slot")))
			json_object_set(a->slots, cli_string(o, "Slot"), (json_t *)o);
	json_array_foreach(a->entries, i, o)
		if ((a->o->args.n || !json_array_size(a->rows)) &&
		    !*cli_entry_attribute(o, "oneoff") &&
		    is_wanted(a->o, cli_string(o, "service"), cli_string(o, "slot")) &&
		    !json_object_get(a->slots, cli_string(o, "slot")))
			json_object_set_new(a->slots, cli_string(o, "slot"), json_null());
}

/* Known is what is in the file, runs, or has left something in the journal. */
static int check_services(const struct asking *a, struct err *err)
{
	for (size_t i = 0; i < a->o->args.n; i++) {
		const char *service = a->o->args.v[i], *slot;
		struct cli_words others = { 0 };
		bool known = a->project.stack && stack_find_service(a->project.stack, service);
		const json_t *e;
		json_t *value;
		size_t k;

		json_object_foreach(a->slots, slot, value)
			known |= !strcmp(slot, service) || cli_slot_index(slot, service);
		if (known)
			continue;
		json_array_foreach(a->rows, k, e)
			vec_push(&others, cli_string(e, "Service"));
		json_array_foreach(a->entries, k, e)
			if (others.n < 256)
				vec_push(&others, cli_string(e, "service"));
		cli_services_none("why", service, &a->project, &others, err);
		vec_fini(&others);
		return -1;
	}
	return 0;
}

/* ---- telling --------------------------------------------------------------------------------- */

/* "3 s ago"; a day is named when it is another one. */
static void add_when(const json_t *e, struct buf *out)
{
	uint64_t wall = 0, now = time_wall_ns();
	char span[32], stamp[32];
	struct tm tm = { 0 };
	time_t s;

	time_parse_stamp(cli_string(e, "time"), &wall);
	s = (time_t)(wall / 1000000000u);
	cli_moment_span(now > wall ? (now - wall) / 1000000 : 0, span, sizeof(span));
	strftime(stamp, sizeof(stamp),
		 now > wall && now - wall > 43200u * 1000000000ull ? "%Y-%m-%d %H:%M:%S"
								   : "%H:%M:%S",
		 localtime_r(&s, &tm));
	buf_printf(out, "%s, %s ago", stamp, span);
}

/* The last sentences of a container, oldest first: a row of {seq, time, action, text} for each. */
static json_t *sentences(const struct asking *a, const char *slot)
{
	json_t *list = json_array();

	for (size_t i = json_array_size(a->entries);
	     i-- > 0 && (a->tail < 0 || json_array_size(list) < (size_t)a->tail);) {
		const json_t *e = json_array_get(a->entries, i);
		_cleanup_(buf_fini) struct buf text = { 0 };
		json_t *row;

		if (strcmp(cli_string(e, "slot"), slot) != 0 ||
		    !cli_why_sentence(a->entries, i, &text))
			continue;
		row = json_copy((json_t *)e);
		json_object_set_new(row, "text", cli_harmless_string(buf_str(&text)));
		json_array_insert_new(list, 0, row);
	}
	return list;
}

/* What is known of a supervisor that is gone and did not end well; NULL: it did, or is there. */
static const char *why_lost(const struct asking *a)
{
	return a->down && a->lost ? cli_entry_attribute(a->last, "error") : NULL;
}

/* A line for now, and below it one for each change. */
static void add_text(const struct asking *a, const char *slot, const json_t *row,
		     const json_t *list, struct buf *out)
{
	const json_t *e;
	size_t i;

	buf_printf(out, "%s: ", slot);
	cli_why_state(row, why_lost(a), out);
	buf_putc(out, '\n');
	json_array_foreach(list, i, e) {
		struct buf when = { 0 };

		add_when(e, &when);
		buf_printf(out, "  %-24s  it %s\n", buf_str(&when), cli_string(e, "text"));
		buf_fini(&when);
	}
}

static json_t *json_of(const struct asking *a, const char *slot, const json_t *row,
		       const json_t *list)
{
	_cleanup_(buf_fini) struct buf state = { 0 };
	json_t *o = json_object();

	cli_why_state(row, why_lost(a), &state);
	json_object_set_new(o, "slot", json_string(slot));
	json_object_set_new(o, "state", json_string(row ? cli_string(row, "State") : ""));
	json_object_set_new(o, "text", cli_harmless_string(buf_str(&state)));
	json_object_set(o, "transitions", (json_t *)list);
	return o;
}

static void show(const struct asking *a)
{
	bool json = a->o->format && !strcmp(a->o->format, "json");
	struct buf out = { 0 };
	const char *slot;
	json_t *value;

	json_object_foreach(a->slots, slot, value) {
		json_t *row = json_is_null(value) ? NULL : value;
		json_t *list = sentences(a, slot);
		json_t *o = json ? json_of(a, slot, row, list) : NULL;

		if (json)
			json_dumpf(o, stdout, JSON_COMPACT);
		else
			add_text(a, slot, row, list, &out);
		puts(json ? "" : buf_str(&out));
		buf_fini(&out);
		json_decref(o);
		json_decref(list);
	}
}

/* A stack that is kept goes on then, and nothing that happened to its containers would tell of it. */
static void tell_failed(const struct asking *a)
{
	struct cli_term t = cli_term_get(a->o);
	_cleanup_(buf_fini) struct buf text = { 0 };

	if (a->down || !a->failed)
		return;
	add_when(a->failed, &text);
	buf_printf(&text, ": SIGUSR2: the next mstack could not go on, and the stack did%s: %s",
		   a->failed == a->last ? ", without a supervisor" : "",
		   cli_entry_attribute(a->failed, "error"));
	cli_say(&t, SUP_NOTE, NULL, buf_str(&text));
}

static int parse_tail(const char *s, int64_t *ret, struct err *err)
{
	size_t len = s ? strlen(s) : 0;

	*ret = s ? -1 : TAIL;
	if (!s || !strcmp(s, "all"))
		return 0;
	if (!len || len > 6 || strspn(s, "0123456789") != len)
		return err_kind(err, ERR_USAGE, "why: -n: '%s' is neither a number nor all", s);
	*ret = atoll(s);
	return 0;
}

/* Words first, then what the supervisor says, then the journal: what is in neither is a slip of the pen. */
static int ask(struct asking *a, struct err *err)
{
	const struct logs_query q = { .tail = -1 };
	int rc;

	if (parse_tail(a->o->tail, &a->tail, err) < 0 ||
	    cli_project_find(a->o, &a->project, err) < 0)
		return -1;
	rc = cli_slots(a->project.name, &a->rows, err);
	a->down = rc > 0;
	if (rc < 0 || cli_entries_read(a->project.name, &q, on_entry, a, err) < 0)
		return -1;
	find_slots(a);
	if (check_services(a, err) < 0)
		return -1;
	if (!json_object_size(a->slots))
		return err_set(err, "why: nothing is known of '%s': it has never been up here",
			       a->o->args.n ? a->o->args.v[0] : a->project.name);
	show(a);
	tell_failed(a);
	return 0;
}

int cli_why(const struct cli_options *o, struct err *err)
{
	struct asking a = { .o = o, .entries = json_array(), .slots = json_object() };
	int rc = ask(&a, err);

	json_decref(a.entries);
	json_decref(a.slots);
	json_decref(a.rows);
	json_decref(a.last);
	json_decref(a.failed);
	cli_project_fini(&a.project);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ps: `mstack ps`. The supervisor answers with one object per slot; here they are chosen and printed.
 */
#include <stdio.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/keyfilter.h"
#include "cli/unsupervised.h"
#include "cli/project.h"
#include "cli/rows.h"
#include "cli/servicename.h"

static const struct cli_column columns[] = {
	{ "NAME", "Name" },	{ "IMAGE", "Image" }, { "SERVICE", "Service" },
	{ "STATUS", "Status" }, { "PORTS", "Ports" }, { NULL, NULL },
};

/* ---- --status and --filter ------------------------------------------------------------------- */

#define STATUS "status"

static bool is_status(const json_t *row, const char *value)
{
	return !strcmp(cli_string(row, "State"), value);
}

/* As docker: `none` is without a health check. */
static bool is_health(const json_t *row, const char *value)
{
	const char *health = cli_string(row, "Health");

	return !strcmp(*health ? health : "none", value);
}

static bool is_service(const json_t *row, const char *value)
{
	return !strcmp(cli_string(row, "Service"), value);
}

static bool is_name(const json_t *row, const char *value)
{
	return strstr(cli_string(row, "Name"), value) != NULL;
}

static const struct cli_filter filters[] = {
	{ STATUS, is_status }, { "health", is_health }, { "service", is_service },
	{ "name", is_name },   { NULL, NULL },
};

static int check_state(const char *option, const char *state, struct err *err)
{
	/* The last one is compose's, and nothing here is ever in it. */
	static const char *const states[] = { "created", "running", "paused",  "restarting",
					      "exited",	 "dead",    "removing" };

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (!strcmp(state, states[i]))
			return 0;
	return err_kind(
		err, ERR_USAGE,
		"ps: %s: '%s' is no state: created, running, paused, restarting, exited or dead",
		option, state);
}

static int check_words(const struct cli_options *o, struct err *err)
{
	int rc = cli_filters_check("ps", &o->filters, filters, err);

	for (size_t i = 0; rc == 0 && i < o->status.n; i++)
		rc = check_state("--status", o->status.v[i], err);
	for (size_t i = 0; rc == 0 && i < o->filters.n; i++) {
		const char *state = cli_filter_value(o->filters.v[i], STATUS);

		rc = state ? check_state("--filter", state, err) : 0;
	}
	return rc;
}

static bool asks_for_states(const struct cli_options *o)
{
	for (size_t i = 0; i < o->filters.n; i++)
		if (cli_filter_value(o->filters.v[i], STATUS))
			return true;
	return o->status.n;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* As compose: unless all, or some states, are asked for only what has not ended. */
static bool is_wanted(const struct cli_options *o, const json_t *row)
{
	const char *state = cli_string(row, "State"), *service = cli_string(row, "Service");
	bool wanted = !o->args.n;

	/* As compose: containers of `run` are told of only when all are asked for. */
	if (json_is_true(json_object_get(row, "OneOff")) && !o->all)
		return false;
	for (size_t i = 0; i < o->args.n; i++)
		wanted |= !strcmp(o->args.v[i], service);
	if (!wanted || !cli_filters_pass(&o->filters, filters, row))
		return false;
	if (!o->all && !asks_for_states(o))
		return strcmp(state, "exited") && strcmp(state, "dead") &&
		       strcmp(state, "created");
	for (size_t i = 0; i < o->status.n; i++)
		if (!strcmp(o->status.v[i], state))
			return true;
	return !o->status.n;
}

/* "0.0.0.0:8080->80/tcp", or "80/tcp" for a port that is not published. */
static void add_ports(const json_t *publishers, struct buf *out)
{
	size_t i;
	const json_t *p;

	json_array_foreach(publishers, i, p) {
		int published = (int)json_integer_value(json_object_get(p, "PublishedPort"));

		buf_puts(out, i ? ", " : "");
		if (published) {
			cli_add_published(out, p);
			buf_puts(out, "->");
		}
		buf_printf(out, "%d/%s", (int)json_integer_value(json_object_get(p, "TargetPort")),
			   cli_string(p, "Protocol"));
	}
}

/* What the keys of compose have no text for. */
static void add_texts(json_t *row)
{
	_cleanup_(buf_fini) struct buf ports = { 0 };

	add_ports(json_object_get(row, "Publishers"), &ports);
	json_object_set_new(row, "Ports", json_string(buf_str(&ports)));
}

/* One value of each row on a line of its own; a value that was printed for an earlier row is not printed again. */
static void print_key(const json_t *rows, const char *key)
{
	json_t *seen = json_object();
	size_t i;
	const json_t *row;

	json_array_foreach(rows, i, row) {
		const char *value = cli_string(row, key);

		if (!json_object_get(seen, value))
			puts(value);
		json_object_set_new(seen, value, json_true());
	}
	json_decref(seen);
}

static json_t *choose(const struct cli_options *o, const json_t *rows)
{
	json_t *chosen = json_array(), *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		if (!is_wanted(o, row))
			continue;
		add_texts(row);
		json_array_append(chosen, row);
	}
	return chosen;
}

int cli_ps(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	json_t *rows, *chosen;
	int r;

	if (check_words(o, err) < 0 || cli_project_find(o, &p, err) < 0 ||
	    cli_slots(p.name, &rows, err) < 0)
		return -1;
	cli_unsupervised_tell(o, p.name);
	chosen = choose(o, rows);
	r = cli_services_check(o, &p, rows, "ps", err);
	if (r < 0)
		; /* nothing to print */
	else if (o->quiet)
		print_key(chosen, "ID");
	else if (o->services)
		print_key(chosen, "Service");
	else
		r = cli_rows_print(o, chosen, columns, err);
	json_decref(chosen);
	json_decref(rows);
	return r;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * impair: `mstack impair`, what links do to packets, shown and changed while they carry traffic. Values are checked here, so that
 * a slip is told before anybody is asked; the supervisor sets them.
 */
#include <stdio.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/project.h"
#include "cli/rows.h"
#include "cli/servicename.h"
#include "cli/unsupervised.h"
#include "mstack/ctl.h"

static const char *const ways[] = { [IMPAIR_EGRESS] = "egress", [IMPAIR_INGRESS] = "ingress" };

/* ---- words ----------------------------------------------------------------------------------- */

/* Which ways the words that follow are about. */
static bool take_way(const char *word, bool meant[IMPAIR_WAYS])
{
	bool is = false;

	for (size_t i = 0; i < IMPAIR_WAYS; i++)
		is = is || !strcmp(word, ways[i]);
	for (size_t i = 0; is && i < IMPAIR_WAYS; i++)
		meant[i] = !strcmp(word, ways[i]);
	return is;
}

static int wrong_key(const char *word, struct err *err)
{
	const char *names[IMPAIR_KEYS], *near;

	for (enum impair_key key = 0; key < IMPAIR_KEYS; key++)
		names[key] = impair_name(key);
	near = nearest_name(word, names, IMPAIR_KEYS);
	return err_kind(err, ERR_USAGE, "impair: '%s' is unknown%s%s%s", word,
			near ? ": did you mean '" : ": write like delay=20ms, or clear",
			near ? near : "", near ? "'?" : "");
}

/* One word KEY=VALUE into the maps of the ways that are meant. */
static int take_value(const char *word, const bool meant[IMPAIR_WAYS], json_t *const maps[],
		      struct err *err)
{
	const char *value = strchr(word, '=');
	_cleanup_free_ char *name = xasprintf("%.*s", (int)strcspn(word, "="), word);
	enum impair_key key = impair_find(name);
	struct impair im = { 0 };

	if (key == IMPAIR_KEYS || !value)
		return wrong_key(name, err);
	if (impair_parse(key, value + 1, &im, err) < 0) {
		err->kind = ERR_USAGE;
		return err_wrap(err, "impair: %s", name);
	}
	for (size_t i = 0; i < IMPAIR_WAYS; i++)
		if (meant[i] && json_object_set_new(maps[i], name, json_string(value + 1)) < 0)
			return err_kind(err, ERR_USAGE, "impair: %s: is not UTF-8", name);
	return 0;
}

/* "clear" alone, or for one way; it and values for the same way say two things. */
static int take_words(const struct cli_options *o, json_t *body, struct err *err)
{
	bool meant[IMPAIR_WAYS] = { true, true }, cleared[IMPAIR_WAYS] = { false };
	json_t *maps[IMPAIR_WAYS];
	int rc = 0;

	for (size_t i = 0; i < IMPAIR_WAYS; i++)
		maps[i] = json_object();
	for (size_t i = 1; !rc && i < o->args.n; i++) {
		bool clear = !strcmp(o->args.v[i], "clear");

		for (size_t k = 0; clear && k < IMPAIR_WAYS; k++)
			cleared[k] = cleared[k] || meant[k];
		if (!clear && !take_way(o->args.v[i], meant))
			rc = take_value(o->args.v[i], meant, maps, err);
	}
	for (size_t i = 0; i < IMPAIR_WAYS; i++) {
		if (!rc && cleared[i] && json_object_size(maps[i]))
			rc = err_kind(err, ERR_USAGE,
				      "impair: 'clear' and values for the same way");
		if (cleared[i])
			json_object_set_new(body, ways[i], json_true());
		else
			json_object_set(body, ways[i], maps[i]);
		json_decref(maps[i]);
	}
	return rc;
}

static int take_link(const struct cli_options *o, json_t *body, struct err *err)
{
	const char *word = o->args.v[0], *colon = strchr(word, ':');
	char *end;

	if (!colon || colon == word || !colon[1])
		return err_kind(
			err, ERR_USAGE,
			"impair: '%s' is no SERVICE:INTERFACE, as web:eth0 (see 'mstack help impair')",
			word);
	json_object_set_new(body, "service", json_stringn(word, (size_t)(colon - word)));
	json_object_set_new(body, "iface", json_string(colon + 1));
	if (!o->index)
		return 0;
	json_object_set_new(body, "index", json_integer(strtol(o->index, &end, 10)));
	return *end || end == o->index
		       ? err_kind(err, ERR_USAGE, "impair: --index '%s': is no number", o->index)
		       : 0;
}

/* ---- what is shown --------------------------------------------------------------------------- */

/* As it is typed. */
static void put_words(const json_t *map, struct buf *out)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)map, name, value)
		buf_printf(out, strchr(json_string_value(value), ' ') ? "%s'%s=%s'" : "%s%s=%s",
			   out->len ? " " : "", name, json_string_value(value));
}

/* The rows of the table: one for each way that is impaired, "both" where they are alike. */
static void add_rows(const json_t *link, json_t *rows)
{
	const char *wire = cli_string(link, "wire");
	bool alike = json_equal(json_object_get(link, ways[0]), json_object_get(link, ways[1]));

	for (size_t i = 0; i < IMPAIR_WAYS; i++) {
		const json_t *map = json_object_get(link, ways[i]);
		_cleanup_(buf_fini) struct buf text = { 0 };

		if (alike && i)
			continue;
		if (!alike && !json_object_size(map))
			continue;
		put_words(map, &text);
		json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:s}", "slot",
						      cli_string(link, "slot"), "interface",
						      cli_string(link, "interface"), "to",
						      *wire ? wire : cli_string(link, "network"),
						      "way", alike ? "both" : ways[i], "text",
						      text.len ? buf_str(&text) : "-"));
	}
}

static int print(const struct cli_options *o, const json_t *links, struct err *err)
{
	static const struct cli_column columns[] = {
		{ "NAME", "slot" }, { "INTERFACE", "interface" }, { "TO", "to" },
		{ "WAY", "way" },   { "IMPAIRMENT", "text" },	  { NULL, NULL },
	};
	json_t *rows = json_array();
	const json_t *link;
	int rc = 0;
	size_t i;

	json_array_foreach(links, i, link)
		add_rows(link, rows);
	if (o->format && !strcmp(o->format, "json"))
		cli_rows_print_json(links);
	else
		rc = cli_rows_print(o, rows, columns, err);
	json_decref(rows);
	return rc;
}

/* ---- the request ----------------------------------------------------------------------------- */

static int take_link_told(void *arg, const struct ctl_msg *m)
{
	if (json_object_get(m->body, "slot"))
		json_array_append((json_t *)arg, m->body);
	return 0;
}

static int ask(const struct cli_options *o, const char *project, json_t *body, struct err *err)
{
	bool changes = o->args.n > 1;
	json_t *links = json_array();
	_cleanup_fd_ int fd = -1;
	int rc = cli_command(project, CLI_ANSWER_MS, &fd, err);

	if (rc > 0)
		err_set(err, "impair: stack '%s' is not running: see 'mstack ls'", project);
	else if (!rc && ctl_call(fd, CTL_IMPAIR, body, take_link_told, links, err) < 0)
		rc = err_wrap(err, "impair");
	if (!rc && !changes)
		rc = print(o, links, err);
	json_decref(links);
	return rc ? -1 : 0;
}

/* One that is not in the file any more may still run. */
static int check_service(const struct cli_project *p, const char *service, struct err *err)
{
	json_t *rows = NULL;
	const json_t *row;
	bool known = !*service || !p->stack || stack_find_service(p->stack, service);
	size_t i;

	if (known)
		return 0;
	if (cli_slots(p->name, &rows, err) < 0)
		return -1;
	json_array_foreach(rows, i, row)
		known = known || !strcmp(cli_string(row, "Service"), service);
	json_decref(rows);
	return known ? 0 : cli_services_none("impair", service, p, NULL, err);
}

int cli_impair(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project project = { 0 };
	json_t *body = json_object();
	int rc = 0;

	if (o->args.n)
		rc = take_link(o, body, err);
	if (!rc && o->args.n > 1)
		rc = take_words(o, body, err);
	if (!rc)
		rc = cli_project_find(o, &project, err);
	if (!rc)
		rc = check_service(&project, cli_string(body, "service"), err);
	if (!rc)
		rc = ask(o, project.name, body, err);
	json_decref(body);
	return rc;
}

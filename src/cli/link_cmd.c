/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link_cmd: `mstack link`, the links of a running stack, and cables that are pulled and put back. The supervisor does it and says
 * how they are.
 */
#include <stdio.h>

#include "cli/client.h"
#include "cli/unsupervised.h"
#include "cli/command.h"
#include "cli/project.h"
#include "cli/rows.h"
#include "mstack/ctl.h"

static int take_row(void *arg, const struct ctl_msg *m)
{
	if (json_object_get(m->body, "a"))
		json_array_append(arg, m->body);
	return 0;
}

/* `body` is taken over. */
static int ask(const struct cli_options *o, json_t *body, json_t *rows, struct cli_project *ret,
	       struct err *err)
{
	_cleanup_fd_ int fd = -1;
	int rc = cli_project_find(o, ret, err);

	if (rc == 0)
		rc = cli_command(ret->name, CLI_ANSWER_MS, &fd, err);
	if (rc > 0)
		rc = err_set(err, "link: stack '%s' is not running", ret->name);
	if (rc == 0 && ctl_call(fd, CTL_LINK, body, take_row, rows, err) < 0)
		rc = err_wrap(err, "link");
	json_decref(body);
	return rc;
}

static int list(const struct cli_options *o, struct err *err)
{
	static const struct cli_column columns[] = {
		{ "ENDPOINT A", "a" }, { "ENDPOINT B", "b" }, { "STATE", "state" },
		{ "MTU", "mtu" },      { NULL, NULL },
	};
	_cleanup_(cli_project_fini) struct cli_project project = { 0 };
	json_t *rows = json_array();
	int rc = ask(o, NULL, rows, &project, err);

	if (rc == 0)
		rc = cli_rows_print(o, rows, columns, err);
	json_decref(rows);
	return rc;
}

static void tell(const struct cli_options *o, const json_t *rows)
{
	struct cli_term term = cli_term_get(o);
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		_cleanup_free_ char *name =
			xasprintf("%s - %s", cli_string(row, "a"), cli_string(row, "b"));
		_cleanup_free_ char *text = xasprintf(
			"%s%s", cli_string(row, "state"),
			json_is_true(json_object_get(row, "changed")) ? "" : ", as it was");

		cli_say(&term, SUP_PROGRESS, name, text);
	}
}

static int change(const struct cli_options *o, bool up, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project project = { 0 };
	json_t *endpoints = json_array(), *rows = json_array();
	int rc;

	for (size_t i = 1; i < o->args.n; i++)
		json_array_append_new(endpoints, json_string(o->args.v[i]));
	rc = ask(o, json_pack("{s:o, s:b}", "endpoints", endpoints, "up", up), rows, &project, err);
	if (rc == 0)
		tell(o, rows);
	json_decref(rows);
	return rc;
}

int cli_link(const struct cli_options *o, struct err *err)
{
	const char *verb = o->args.n ? o->args.v[0] : NULL;
	bool up = verb && !strcmp(verb, "up");

	if (!verb)
		return list(o, err);
	if (!up && strcmp(verb, "down") != 0)
		return err_kind(err, ERR_USAGE,
				"link: '%s' is neither up nor down (see 'mstack help link')", verb);
	if (o->args.n < 2)
		return err_kind(err, ERR_USAGE,
				"link: SERVICE:INTERFACE is missing (see 'mstack help link')");
	if (o->dry_run)
		return err_kind(err, ERR_USAGE, "link: --dry-run is not supported yet");
	return change(o, up, err);
}

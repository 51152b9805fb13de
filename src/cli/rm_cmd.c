/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rm_cmd: `mstack rm` and its opposite, `mstack create`. What is removed is listed and asked for first; the supervisor removes it, and
 * what it put aside on the disk is swept here, where nobody waits.
 */
#include <unistd.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/images.h"
#include "cli/storecmd.h"
#include "cli/unsupervised.h"
#include "cli/verb.h"
#include "mstack/store.h"

/* ---- rm -------------------------------------------------------------------------------------- */

static bool is_meant(const struct cli_options *o, const json_t *row)
{
	const char *state = cli_string(row, "State");
	bool named = !o->args.n;

	for (size_t i = 0; i < o->args.n; i++)
		named |= !strcmp(cli_string(row, "Service"), o->args.v[i]);
	return named &&
	       (o->stop || !strcmp(state, "exited") || !strcmp(state, "dead") ||
		(!strcmp(state, "created") && !strcmp(cli_string(row, "Status"), "Created")));
}

/* Names of all that would go; empty: nobody. */
static int list(const struct cli_options *o, const char *project, struct buf *ret, struct err *err)
{
	json_t *rows;
	const json_t *row;
	size_t i;

	if (cli_slots(project, &rows, err) < 0)
		return -1;
	json_array_foreach(rows, i, row)
		if (is_meant(o, row))
			buf_printf(ret, "%s%s", ret->len ? ", " : "", cli_string(row, "Name"));
	json_decref(rows);
	return 0;
}

static int remove_them(const struct cli_options *o, const struct cli_project *p, struct err *err)
{
	struct cli_verb v = { .name = "rm", .type = CTL_RM };
	bool down = false;
	int rc;

	v.body = json_pack("{s:b, s:b}", "stop", o->stop, "volumes", o->volumes);
	rc = cli_verb_run(&v, o, p, &down, err);
	json_decref(v.body);
	store_sweep();
	return rc;
}

static int ask(const struct cli_options *o, const char *names, struct err *err)
{
	if (o->force || !*names)
		return 0;
	if (!isatty(STDIN_FILENO))
		return err_kind(err, ERR_USAGE,
				"rm: would remove %s: give -f, as nobody can be asked", names);
	return cli_store_confirmed("rm", names, o, err) ? 0 : -1;
}

int cli_rm(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	_cleanup_(buf_fini) struct buf names = { 0 };
	struct cli_term term = cli_term_get(o);
	int rc;

	if (cli_project_find(o, &p, err) < 0 || list(o, p.name, &names, err) < 0)
		return -1;
	rc = ask(o, buf_str(&names), err);
	if (!rc)
		rc = remove_them(o, &p, err);
	if (!rc && !names.len)
		cli_say(&term, SUP_NOTE, NULL, "no stopped containers");
	return rc;
}

/* ---- create ---------------------------------------------------------------------------------- */

static int create_in(const struct cli_options *o, bool *ret_down, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	struct cli_verb v = { .name = "create", .type = CTL_CREATE };

	if (cli_project_find(o, &p, err) < 0 ||
	    (p.stack && cli_images_check_build(o, p.stack, err) < 0))
		return -1;
	if (o->force_recreate && sup_owner(p.name))
		return err_kind(
			err, ERR_USAGE,
			"create: --force-recreate: stack '%s' is up: 'mstack up -d --force-recreate' makes its containers anew",
			p.name);
	return cli_verb_run(&v, o, &p, ret_down, err);
}

int cli_create(const struct cli_options *o, struct err *err)
{
	struct cli_options up = *o;
	/* A supervisor that was made by `create` executes this command anew: then there is nobody to ask, for it is itself. */
	bool down = getenv(SUP_CARRIED_VARIABLE) || getenv(SUP_RELOAD_VARIABLE) ||
		    getenv(CLI_ADOPT_VARIABLE);
	int rc = down ? 0 : create_in(o, &down, err);

	if (rc || !down)
		return rc;
	up.force_recreate = false; /* there is nothing yet */
	up.no_start = up.detach = true;
	return cli_up(&up, err);
}

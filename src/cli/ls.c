/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ls: `mstack ls`, the stacks that have a run-time folder on this host.
 */
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/keyfilter.h"
#include "cli/rows.h"
#include "cli/unsupervised.h"
#include "mstack/ctl.h"
#include "mstack/rootless.h"
#include "mstack/sup.h"

#define ANSWER_MS 10000

/* "running(2), exited(1)": states in the order in which they are met. */
static char *count_states(const json_t *rows)
{
	json_t *counts = json_object(), *n;
	struct buf b = { 0 };
	const char *state;
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		state = cli_string(row, "State");
		json_object_set_new(
			counts, state,
			json_integer(json_integer_value(json_object_get(counts, state)) + 1));
	}
	json_object_foreach(counts, state, n)
		buf_printf(&b, "%s%s(%d)", b.len ? ", " : "", state, (int)json_integer_value(n));
	json_decref(counts);
	return buf_take(&b);
}

static int take_file(void *arg, const struct ctl_msg *m)
{
	char **file = arg;

	free(*file);
	*file = xstrdup(cli_string(m->body, "file"));
	return 0;
}

static char *file_of(const char *project, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	char *file = NULL;

	if (cli_knock(project, ANSWER_MS, &fd, err) == 0)
		ctl_call(fd, CTL_STATUS, NULL, take_file, &file, err);
	return file ? file : xstrdup("");
}

/* Nobody listens: it is on its way up (an image may be unpacked) or down, or it was killed. NULL: it was on its way down, and is gone now. */
static char *without_answer(const char *project)
{
	_cleanup_free_ char *dir = xasprintf("%s/%s", path_run_dir(), project);
	int pid = (int)sup_owner(project);

	if (pid)
		return xasprintf("busy(process %d)", pid);
	if (!sup_is_left(project) && access(dir, F_OK) < 0)
		return NULL;
	return xstrdup("dead: mstack down");
}

/* Its socket was removed. */
static char *out_of_reach(const char *project, const struct err *err)
{
	return err->sys == ENOENT ? xasprintf("without a socket(process %d): mstack down",
					      (int)sup_owner(project))
				  : xstrdup(err->text);
}

/* None is no number: kill(1) takes 0 for all processes around the caller. */
static json_t *supervisor_of(const char *project)
{
	pid_t pid = sup_owner(project);

	return pid > 0 ? json_integer(pid) : json_null();
}

/*
 * Names alone are known without asking anybody, and a supervisor that hangs cannot keep them back.
 * A folder without a supervisor is what is left when it was killed together with its guard.
 */
static void add_project(const struct cli_options *o, const char *name, json_t *all)
{
	_cleanup_free_ char *status = NULL, *file = NULL;
	json_t *rows = NULL;
	struct err err = { 0 };
	int r = o->quiet ? 1 : cli_slots(name, &rows, &err);
	bool kept;

	if (o->quiet) {
		puts(name);
		return;
	}
	kept = r == 0 && cli_kept(name);
	status = r == 0 ? count_states(rows) : r > 0 ? without_answer(name) : out_of_reach(name, &err);
	if (kept) {
		char *counted = status;

		status = xasprintf("%s%sunsupervised: mstack up", counted, *counted ? ", " : "");
		free(counted);
	}
	json_decref(rows);
	if (!status)
		return;
	file = file_of(name, &err);
	json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:o}", "Name", name, "Status", status,
					     "ConfigFiles", file, "Pid", supervisor_of(name)));
}

/* ---- --filter -------------------------------------------------------------------------------- */

/* 1 it matches, 0 it does not, -1 the pattern is wrong. */
static int match(const char *pattern, const char *text, struct err *err)
{
	char why[120];
	regex_t re;
	int rc = regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB);

	if (rc) {
		regerror(rc, &re, why, sizeof(why));
		return err_kind(err, ERR_USAGE, "ls: --filter: 'name=%s': %s", pattern, why);
	}
	rc = regexec(&re, text, 0, NULL, 0);
	regfree(&re);
	return rc == 0;
}

static bool is_name(const json_t *row, const char *value)
{
	return match(value, cli_string(row, "Name"), &(struct err){ 0 }) > 0;
}

static const struct cli_filter filters[] = { { "name", is_name }, { NULL, NULL } };

static int check_filters(const struct cli_options *o, struct err *err)
{
	int rc = cli_filters_check("ls", &o->filters, filters, err);

	for (size_t i = 0; rc == 0 && i < o->filters.n; i++)
		if (match(cli_filter_value(o->filters.v[i], "name"), "", err) < 0)
			rc = -1;
	return rc;
}

/* Before it is asked how it is, which takes time. */
static bool is_wanted(const struct cli_options *o, const char *project)
{
	json_t *row = json_pack("{s:s}", "Name", project);
	bool wanted = cli_filters_pass(&o->filters, filters, row);

	json_decref(row);
	return wanted;
}

/* Without one of the own it would be root's. */
static int refuse(struct err *err)
{
	int why = errno;
	_cleanup_free_ char *lacks = rootless_lacks_run_dir();

	return lacks ? err_set(err, "ls: %s", lacks)
		     : err_sys(err, why, "ls: open '%s'", path_run_dir());
}

int cli_ls(const struct cli_options *o, struct err *err)
{
	static const struct cli_column columns[] = { { "NAME", "Name" },
						     { "STATUS", "Status" },
						     { "CONFIG FILES", "ConfigFiles" },
						     { NULL, NULL } };
	json_t *all;
	char **projects;
	int rc = 0;

	if (check_filters(o, err) < 0)
		return -1;
	if (access(path_run_dir(), R_OK | X_OK) < 0 && errno != ENOENT)
		return refuse(err);
	all = json_array();
	projects = sup_projects();
	for (char **p = projects; p && *p; p++) {
		if (is_wanted(o, *p))
			add_project(o, *p, all);
		free(*p);
	}
	free(projects);
	if (!o->quiet)
		rc = cli_rows_print(o, all, columns, err);
	json_decref(all);
	return rc;
}

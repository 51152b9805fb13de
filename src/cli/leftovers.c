/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * leftovers: the part of `mstack doctor` that compares the kernel with the ledgers of all stacks, as rows beside those of what
 * this host can do; with --fix what stacks that do not run have left is removed, as `down` would.
 */
#include <jansson.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/term.h"
#include "mstack/sup.h"

struct all {
	json_t *rows;
	const json_t *running; /* found before we went in; they stay */
	size_t differ;
};

static const char *why(const struct sup_leftover *l)
{
	return l->missing
		       ? "it was made, and somebody else has removed it: `mstack down` and `up` make it anew"
	       : l->owner ? "the stack runs, but has not entered it: it goes with `mstack down`"
			  : "nobody runs this stack: `mstack doctor --fix` removes it";
}

static void add(void *arg, const struct sup_leftover *l)
{
	_cleanup_free_ char *what = xasprintf("stack '%s': %s %s", l->project, l->kind, l->key);
	struct all *all = arg;

	all->differ++;
	json_array_append_new(all->rows, json_pack("{s:s, s:b, s:b, s:s, s:s, s:s, s:s, s:s, s:b}",
						   "Check", what, "Ok", 0, "Needed", 0, "Result",
						   l->missing ? "missing" : "left", "Why", why(l),
						   "Project", l->project, "Kind", l->kind, "Key",
						   l->key, "Running", l->owner != 0));
}

static void add_summary(json_t *rows, const char *result, const char *text, bool ok)
{
	json_array_append_new(rows,
			      json_pack("{s:s, s:b, s:b, s:s, s:s}", "Check", "leftovers", "Ok", ok,
					"Needed", 0, "Result", result, "Why", text));
}

static void say_removed(struct cli_term *t, const char *project)
{
	_cleanup_free_ char *text = xasprintf("stack '%s': leftovers removed", project);

	cli_say(t, SUP_PROGRESS, NULL, text);
}

/* Each stack once; what cannot be removed is told by the undoing itself, and found again by the next look. */
static void fix(const struct cli_options *o, const json_t *rows)
{
	json_t *done = json_object();
	struct cli_term t = cli_term_get(o);
	struct sup_hooks hooks = { .arg = &t, .say = cli_say };
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *project = json_string_value(json_object_get(row, "Project"));
		struct err err = { 0 };
		int rc;

		if (!project || json_is_true(json_object_get(row, "Running")) ||
		    json_object_get(done, project))
			continue;
		json_object_set_new(done, project, json_true());
		rc = sup_cleanup(project, &hooks, &err);
		if (rc < 0)
			cli_say(&t, SUP_ERROR, project, err.text);
		else if (rc == 0)
			say_removed(&t, project);
	}
	json_decref(done);
}

static int look(struct all *all, struct err *err)
{
	all->differ = json_array_size(all->running);
	json_decref(all->rows);
	all->rows = json_array();
	json_array_extend(all->rows, (json_t *)(uintptr_t)all->running);
	return sup_leftovers(add, all, err);
}

int cli_leftovers_inside(json_t *rows, struct err *err)
{
	struct all all = { .rows = rows };

	return sup_leftovers_inside(add, &all, err);
}

int cli_leftovers(const struct cli_options *o, const json_t *running, json_t *rows,
		  size_t *ret_differ, struct err *err)
{
	struct all all = { .running = running };
	int rc;

	*ret_differ = 0;
	if (geteuid() != 0) {
		add_summary(rows, "unknown", "nobody can look who has no namespaces: run it with sudo", true);
		return 0;
	}
	rc = look(&all, err);
	if (rc == 0 && o->fix && all.differ) {
		fix(o, all.rows);
		rc = look(&all, err);
	}
	if (rc == 0 && !all.differ)
		add_summary(rows, "ok", "", true);
	if (rc == 0)
		json_array_extend(rows, all.rows);
	*ret_differ = all.differ;
	json_decref(all.rows);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reup: see reup.h. Called by up. The supervisor that runs the stack changes it, and goes on to run it: in the foreground this command only
 * shows the logs, and its end is not that of the stack.
 */
#include <stdio.h>

#include "cli/apply.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/reup.h"
#include "mstack/store.h"

/* Of the first start alone. */
static int check(const struct cli_options *o, struct err *err)
{
	if (o->no_recreate && (o->force_recreate || o->recreate_deps))
		return err_kind(
			err, ERR_USAGE,
			"up: --no-recreate does not go with --force-recreate or --always-recreate-deps");
	if (o->no_start)
		return err_set(err, "up: --no-start begins with a stack that is down");
	if (o->renew_volumes)
		return err_set(
			err,
			"up: -V begins with a stack that is down: `mstack down`, then `mstack up -V`");
	if (o->abort_on_exit || o->abort_on_failure || o->exit_code_from)
		return err_set(
			err,
			"up: the stack runs already, and %s is for who starts it: `mstack down` first",
			o->exit_code_from ? "--exit-code-from" : "--abort-on-container-...");
	return 0;
}

static void tell(const struct cli_apply *a)
{
	struct cli_term term = cli_term_get(a->o);
	const json_t *slot;
	size_t i;

	json_array_foreach(a->slots, i, slot) {
		const char *name = cli_string(slot, "slot"), *action = cli_string(slot, "action");

		if (!strcmp(action, "orphan"))
			cli_say(&term, SUP_WARNING, name,
				"goes on, although its service is not in the file any more: "
				"--remove-orphans removes it");
	}
}

static void tell_done(const struct cli_apply *a)
{
	static const struct {
		const char *action, *word;
	} words[] = {
		{ "keep", "unchanged" },     { "update", "changed" }, { "restart", "restarted" },
		{ "recreate", "made anew" }, { "create", "started" }, { "remove", "removed" },
	};
	struct cli_term term = cli_term_get(a->o);
	const json_t *slot;
	size_t i;

	json_array_foreach(a->slots, i, slot) {
		const char *action = cli_string(slot, "action");
		bool starts = json_is_true(json_object_get(slot, "starts"));

		for (size_t k = 0; k < ARRAY_LEN(words); k++)
			if (!strcmp(words[k].action, action))
				cli_say(&term, SUP_PROGRESS, cli_string(slot, "slot"),
					k == 0 && starts ? "started" : words[k].word);
	}
}

/* From now on; what was written before has been seen by whoever started the stack. */
static int follow(const struct cli_options *o, struct err *err)
{
	struct cli_term term = cli_term_get(o);
	struct cli_options logs = *o;

	cli_say(&term, SUP_NOTE, NULL,
		"the stack runs already: these are its logs, and Ctrl-C ends only this command");
	logs.follow = true;
	logs.tail = "0";
	return cli_logs(&logs, err);
}

int cli_reup(const struct cli_options *o, const struct cli_project *project,
	     const struct cli_scales *scales, struct err *err)
{
	struct cli_apply a = { .o = o, .project = project, .scales = scales };
	_cleanup_fd_ int fd = -1;
	int rc = cli_connect(project->name, CLI_ANSWER_MS, &fd, err);

	if (rc)
		return rc < 0 ? -1 : CLI_REUP_NONE;
	cleanup_fd(&fd);
	rc = check(o, err);
	if (rc == 0)
		rc = cli_apply(&a, false, err);
	tell(&a);
	if (rc == 0)
		tell_done(&a);
	cli_apply_fini(&a);
	if (rc == 1)
		return CLI_REUP_NONE;
	if (rc < 0)
		return err_wrap(err, "up");
	/* What was put aside of containers that are gone. */
	store_sweep();
	return o->detach || o->wait ? 0 : follow(o, err);
}

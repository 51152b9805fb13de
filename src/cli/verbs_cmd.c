/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verbs_cmd: `mstack start`, `stop`, `restart`, `kill` and `wait`. All of it is done by the supervisor, and goes on when the command is
 * killed; here is only said how.
 */
#include <signal.h>
#include <stdio.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/verb.h"

static int run(const struct cli_options *o, struct cli_verb *v, bool *ret_down, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	int rc = -1;

	if (cli_project_find(o, &p, err) == 0)
		rc = cli_verb_run(v, o, &p, ret_down, err);
	json_decref(v->body);
	return rc;
}

/* Where nothing runs there is nothing to stop: said, and no failure. */
static int run_down(const struct cli_options *o, struct cli_verb *v, struct err *err)
{
	struct cli_term term = cli_term_get(o);
	bool down = false;
	int rc = run(o, v, &down, err);

	if (down)
		cli_say(&term, SUP_NOTE, NULL, "the stack is not up: nothing to do");
	return rc;
}

int cli_start(const struct cli_options *o, struct err *err)
{
	struct cli_verb v = { .name = "start",
			      .type = CTL_START,
			      .wait_s = o->wait_timeout_s > 0 ? o->wait_timeout_s : 0,
			      .body = json_pack("{s:b}", "wait", o->wait) };

	if (o->wait_timeout_s >= 0 && !o->wait) {
		json_decref(v.body);
		return err_kind(err, ERR_USAGE, "start: --wait-timeout is for --wait");
	}
	return run(o, &v, NULL, err);
}

int cli_stop(const struct cli_options *o, struct err *err)
{
	struct cli_verb v = { .name = "stop", .type = CTL_STOP };

	return run_down(o, &v, err);
}

int cli_restart(const struct cli_options *o, struct err *err)
{
	struct cli_verb v = { .name = "restart",
			      .type = CTL_RESTART,
			      .body = json_pack("{s:b}", "no_deps", o->no_deps) };

	return run(o, &v, NULL, err);
}

static bool tell_lost(void *arg, const json_t *answer)
{
	const json_t *sig = json_object_get(answer, "lost");
	_cleanup_free_ char *text = NULL;

	if (!sig)
		return false;
	text = xasprintf("%s has no effect: its first process has no handler for it",
			 sig_name((int)json_integer_value(sig)));
	cli_say(arg, SUP_NOTE, cli_string(answer, "slot"), text);
	return true;
}

int cli_kill(const struct cli_options *o, struct err *err)
{
	const char *name = o->signal ? o->signal : "SIGKILL";
	struct cli_term term = cli_term_get(o);
	struct cli_verb v = { .name = "kill", .type = CTL_KILL, .each = tell_lost, .arg = &term };
	int signo = sig_parse(name);

	if (signo <= 0)
		return err_kind(err, ERR_USAGE, "kill: --signal: '%s': there is no such signal",
				name);
	v.body = json_pack("{s:i}", "signal", signo);
	return run_down(o, &v, err);
}

/* ---- wait ------------------------------------------------------------------------------------ */

struct waiting {
	const char *project;
	bool first; /* only the first end counts */
	int code;
	size_t n;
};

/* In the words of docker compose. */
static bool tell_end(void *arg, const json_t *answer)
{
	struct waiting *w = arg;

	if (!json_object_get(answer, "code") || (w->first && w->n))
		return true;
	w->code = (int)json_integer_value(json_object_get(answer, "code"));
	w->n++;
	printf("container \"%s\" exited with status code %d\n", cli_string(answer, "container"),
	       w->code);
	fflush(stdout);
	return true;
}

int cli_wait(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	struct waiting w = { .first = o->down_project };
	struct cli_verb v = { .name = "wait",
			      .type = CTL_WAIT,
			      .body = json_pack("{s:b}", "any", o->down_project),
			      .each = tell_end,
			      .arg = &w };
	struct cli_options down = { .timeout_s = -1, .project = NULL };
	int rc = -1;

	if (!o->args.n)
		err_kind(err, ERR_USAGE, "wait: name a service");
	else if (cli_project_find(o, &p, err) == 0)
		rc = cli_verb_run(&v, o, &p, NULL, err);
	json_decref(v.body);
	if (rc == 0 && !w.n)
		rc = err_set(err, "wait: these services have no container");
	if (rc == 0 && o->down_project) {
		down.project = p.name;
		down.progress = o->progress;
		down.ansi = o->ansi;
		rc = cli_down(&down, err);
	}
	return rc ? rc : w.code;
}

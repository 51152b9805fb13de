/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reup: see reup.h. Called by up. The supervisor that runs the stack changes it, and goes on to run it: in the foreground this command only
 * shows the logs, and its end is not that of the stack.
 */
#include <poll.h>
#include <stdio.h>

#include "cli/apply.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/reup.h"
#include "cli/shown.h"
#include "mstack/ctl.h"
#include "mstack/store.h"

int cli_reup_check(const struct cli_options *o, struct err *err)
{
	if (o->no_recreate && (o->force_recreate || o->recreate_deps))
		return err_kind(
			err, ERR_USAGE,
			"--no-recreate does not go with --force-recreate or --always-recreate-deps");
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
		if (json_is_true(json_object_get(slot, "old_volumes")))
			cli_say(&term, SUP_NOTE, name,
				"goes on with its anonymous volumes: -V is for containers that are made anew, "
				"--force-recreate makes it so");
	}
}

/* supervised: whose supervisor tells on the same terminal what comes, goes and starts, as it does anyway. */
static void tell_done(const struct cli_apply *a, bool supervised)
{
	static const struct {
		const char *action, *started, *word; /* when it was started, and when not */
		bool seen_started, seen;	     /* by its supervisor as well */
	} words[] = {
		{ "keep", "started", "unchanged", true, false },
		{ "update", "changed", "changed", false, false },
		{ "restart", "restarted", "stopped", true, true },
		{ "recreate", "made anew", "made anew", true, true },
		{ "create", "started", "created", true, true },
		{ "remove", "removed", "removed", true, true },
	};
	struct cli_term term = cli_term_get(a->o);
	const json_t *slot;
	size_t i;

	json_array_foreach(a->slots, i, slot) {
		const char *action = cli_string(slot, "action");
		bool starts = json_is_true(json_object_get(slot, "starts"));

		for (size_t k = 0; k < ARRAY_LEN(words); k++)
			if (!strcmp(words[k].action, action) &&
			    !(supervised && (starts ? words[k].seen_started : words[k].seen)))
				cli_say(&term, SUP_PROGRESS, cli_string(slot, "slot"),
					starts ? words[k].started : words[k].word);
	}
}

/* As cli_apply, and tells of it. */
static int make_change(struct cli_apply *a, bool supervised, struct err *err)
{
	int rc = cli_apply(a, false, err);

	tell(a);
	if (rc == 0)
		tell_done(a, supervised);
	cli_apply_fini(a);
	return rc;
}

/* ---- with whom the stack ends ---------------------------------------------------------------- */

static int on_watched(void *arg, const struct ctl_msg *m)
{
	(void)arg;
	(void)m;
	return 1; /* it was heard; the end is waited for elsewhere */
}

/* Before anything is changed: what ends early counts, too. 0, and *ret_fd is -1 when nobody asked for it; 1 there is no supervisor. */
static int watch(const struct cli_options *o, const char *project, int *ret_fd, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	json_t *body;
	int rc;

	if (!o->abort_on_exit && !o->abort_on_failure && !o->exit_code_from)
		return 0;
	rc = cli_connect(project, CLI_ANSWER_MS, &fd, err);
	if (rc)
		return rc;
	body = json_pack("{s:b, s:b, s:s*}", "exit", o->abort_on_exit || o->exit_code_from,
			 "failure", o->abort_on_failure, "from", o->exit_code_from);
	rc = ctl_call(fd, CTL_ABORT, body, on_watched, NULL, err);
	json_decref(body);
	if (rc < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* The exit code, when the stack has ended; -1: nobody knows it. */
static int end_of(int fd, struct err *err)
{
	struct pollfd gone = { .fd = fd, .events = POLLRDHUP };
	struct ctl_msg m = { 0 };
	int rc = ctl_recv(fd, &m, err);

	if (rc == 0 && m.type == CTL_ERROR)
		rc = ctl_error(&m, err);
	else if (rc == 0)
		rc = (int)json_integer_value(json_object_get(m.body, "code"));
	else
		rc = err_set(
			err,
			"%s: whether a service ends is not watched any more, the stack goes on",
			rc == 1 ? "standard output cannot be written to"
				: "the supervisor was replaced, or has died");
	ctl_msg_fini(&m);
	if (rc >= 0)
		poll(&gone, 1, CLI_ANSWER_MS); /* the next command must not find it still there */
	return rc;
}

/* ---- looking on ------------------------------------------------------------------------------ */

enum { REQUEST = 1 };

/* Who changes the stack and then looks on, until it is down, or the services that are looked at have ended. */
struct onlooker {
	struct cli_apply apply;
	int watched; /* tells with whom the stack ends; -1 */
	int rest;    /* tells that they have ended; -1 */
	bool none, refused,
		over; /* no supervisor; it is an old one, who does not tell that; they have */
};

static void ask_rest(struct onlooker *k)
{
	const struct cli_options *o = k->apply.o;
	const struct stack *s = k->apply.project->stack;
	struct ctl_msg m = { .type = CTL_REST, .id = REQUEST };
	json_t *names = json_array();
	struct err err;

	if (cli_knock(k->apply.project->name, 0, &k->rest, &err)) {
		json_decref(names);
		return;
	}
	for (size_t i = 0; i < o->args.n; i++)
		json_array_append_new(names, json_string(o->args.v[i]));
	for (size_t i = 0; !o->args.n && i < s->n_services; i++)
		json_array_append_new(names, json_string(s->services[i].name));
	m.body = json_pack("{s:o}", "services", names);
	if (ctl_send(k->rest, &m, &err))
		cleanup_fd(&k->rest);
	json_decref(m.body);
}

static int on_begin(void *arg, struct err *err)
{
	struct onlooker *k = arg;
	struct cli_term term = cli_term_get(k->apply.o);
	int rc = make_change(&k->apply, false, err);

	k->none = rc == 1;
	if (rc)
		return rc < 0 ? err_wrap(err, "up") : rc;
	/* What was put aside of containers that are gone. */
	store_sweep();
	cli_say(&term, SUP_NOTE, NULL,
		"the stack runs already: these are its logs, and Ctrl-C ends only this command");
	ask_rest(k);
	return 0;
}

/* Who has taken the stack up after a death, or in place of this program and is older, has not heard what was asked. */
static bool is_over(void *arg)
{
	struct onlooker *k = arg;
	struct pollfd answer = { .fd = k->rest, .events = POLLIN };
	struct ctl_msg m = { 0 };

	if (k->watched >= 0 && cli_has_gone(k->watched))
		return true;
	if (k->rest < 0 && !k->refused)
		ask_rest(k);
	else if (poll(&answer, 1, 0) == 1) {
		int rc = ctl_recv(k->rest, &m, &(struct err){ 0 });

		k->over = rc == 0 && m.type == CTL_OK;
		k->refused = rc == 0 && !k->over;
		ctl_msg_fini(&m);
		cleanup_fd(&k->rest);
	}
	return k->over;
}

static bool shows(void *arg, const char *service)
{
	const struct onlooker *k = arg;

	return cli_shows(k->apply.o, k->apply.project->stack, service);
}

static int none(const struct onlooker *k)
{
	return k->apply.worked ? CLI_REUP_GONE : CLI_REUP_NONE;
}

/* From now on; what was written before has been seen by whoever started the stack. */
static int follow(struct onlooker *k, struct err *err)
{
	struct cli_term term = cli_term_get(k->apply.o);
	struct cli_options logs = *k->apply.o;
	const struct cli_follow until = { k->apply.project->stack, on_begin, is_over, shows, k };
	int rc;

	logs.follow = true;
	logs.tail = "0";
	rc = cli_logs_until(&logs, &until, err);
	cleanup_fd(&k->rest);
	if (rc < 0 || k->none)
		return rc < 0 ? -1 : none(k);
	if (k->over)
		cli_say(&term, SUP_NOTE, NULL,
			"all of them have ended; the stack stays up: see 'mstack ps -a' and 'mstack down'");
	return k->over || k->watched < 0 ? 0 : end_of(k->watched, err);
}

/* ---- up again -------------------------------------------------------------------------------- */

int cli_reup(const struct cli_options *o, struct cli_project *project,
	     const struct cli_scales *scales, uint64_t until, struct err *err)
{
	struct onlooker k = { .apply = { .o = o,
					 .project = project,
					 .scales = scales,
					 .until = until },
			      .watched = -1,
			      .rest = -1 };
	const struct cli_term term = cli_term_get(o);
	_cleanup_fd_ int fd = -1;
	int rc = cli_connect(project->name, CLI_ANSWER_MS, &fd, err);

	if (rc)
		return rc < 0 ? -1 : CLI_REUP_NONE;
	cleanup_fd(&fd);
	cli_project_tell(project, &term);
	if (cli_reup_check(o, err) < 0)
		return err_wrap(err, "up");
	do {
		rc = watch(o, project->name, &k.watched, err);
	} while (rc < 0 && cli_apply_again(&k.apply, err));
	if (!rc && !(o->detach || o->wait || o->no_start)) {
		rc = follow(&k, err);
		cleanup_fd(&k.watched);
		return rc;
	}
	if (!rc)
		rc = make_change(&k.apply, false, err);
	if (rc == 1)
		return none(&k);
	if (rc < 0)
		return err_wrap(err, "up");
	store_sweep();
	return 0;
}

/* ---- reload ---------------------------------------------------------------------------------- */

/* Without -f a file is looked for; that another one is found now is no wish of anybody. */
static int check_same(const struct cli_project *project, const char *of, struct err *err)
{
	const struct stack *stack = project->stack;
	size_t len = strcspn(of, ":");
	const char *file = of[len] ? of + len + 1 : "";
	const char *now = stack->n_files ? stack->files[0].path : "-";

	if (strlen(stack->name) != len || strncmp(stack->name, of, len) != 0)
		return err_set(err, "the stack in '%s' is called '%s' now, and '%.*s' is what runs",
			       now, stack->name, (int)len, of);
	if (strcmp(now, file) != 0)
		return err_set(err, "stack file '%s': it is gone, and '%s' is another one", file,
			       now);
	return 0;
}

int cli_reload(const struct cli_options *o, struct cli_project *project,
	       const struct cli_scales *scales, const char *of, struct err *err)
{
	struct cli_options own = *o;
	const struct cli_term term = cli_term_get(o);
	struct cli_apply a = { .o = &own, .project = project, .scales = scales };
	int rc;

	/* The wishes of a first start were fulfilled then. */
	if (strchr(of, ':')) {
		own.force_recreate = own.no_recreate = own.recreate_deps = false;
		own.remove_orphans = own.renew_volumes = own.wait = false;
		if (check_same(project, of, err) < 0)
			return -1;
		cli_project_tell(project, &term);
	}
	rc = make_change(&a, true, err);
	if (rc == 1)
		return err_set(err, "the supervisor of '%s' is gone", project->name);
	store_sweep();
	return rc;
}

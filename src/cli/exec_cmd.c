/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exec: `mstack exec`. Finds the container, says who the command runs as and with what, and stays with it. The supervisor is
 * not asked: a hung one keeps nobody out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/attached.h"
#include "cli/command.h"
#include "cli/container.h"
#include "cli/execenv.h"

#define PROCESS_NAME "mstack-exec" /* not "mstack": its children are in the container's cgroup */

/* ---- finding the container ------------------------------------------------------------------- */

/* A stack that is not up has no container; a service that the file does not know is the better thing to say. */
static struct box_running *find(const struct cli_options *o, const struct cli_project *p,
				struct err *err)
{
	_cleanup_(cli_containers_fini) struct cli_containers c = { 0 };

	if (cli_containers_open(&c, "exec", p, err) < 0) {
		if (p->stack)
			cli_containers_known(&c, o->args.v[0], err);
		return NULL;
	}
	return cli_containers_get(&c, o->args.v[0], o->index, err);
}

/* ---- who and with what ----------------------------------------------------------------------- */

/* HOME of the container is that of its user, unless somebody has set it: only then another user takes another one along. */
static const char *other_home(const struct box_running *r, const struct store_user *user)
{
	_cleanup_(store_user_fini) struct store_user own = { 0 };
	char id[16];
	const char *home = execenv_value(r->envp, "HOME");

	snprintf(id, sizeof(id), "%u", r->uid);
	if (!home || cli_container_user(r, id, &own, &(struct err){ 0 }) < 0 ||
	    strcmp(home, own.home) != 0)
		return NULL;
	return user->home;
}

struct wanted {
	struct store_user user;
	struct box_user ids;
	struct execenv env;
	struct cli_words argv;
	struct detachkeys keys;
	struct cli_console console;
	struct box_enter_spec spec;
};

static void wanted_fini(struct wanted *w)
{
	store_user_fini(&w->user);
	execenv_fini(&w->env);
	vec_fini(&w->argv);
}

static int want_user(const struct cli_options *o, const struct box_running *r, struct wanted *w,
		     struct err *err)
{
	if (!o->user)
		return 0;
	if (!*o->user)
		return err_kind(err, ERR_USAGE, "exec: --user: NAME or ID, or NAME:GROUP");
	if (cli_container_user(r, o->user, &w->user, err) < 0) {
		err->kind = ERR_CREATE;
		return err_wrap(err, "exec: service '%s'", o->args.v[0]);
	}
	w->ids = (struct box_user){ w->user.uid, w->user.gid, w->user.groups, w->user.n_groups };
	w->spec.user = &w->ids;
	return 0;
}

static void want_terminal(const struct cli_options *o, struct wanted *w)
{
	struct winsize size = { 0 };

	w->console.fd = -1;
	w->spec.user_term = -1;
	if (o->no_tty || o->detach || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return;
	w->console.fd = w->spec.user_term = STDIN_FILENO;
	w->spec.tty = true;
	if (!ioctl(STDIN_FILENO, TIOCGWINSZ, &size)) {
		w->spec.rows = size.ws_row;
		w->spec.cols = size.ws_col;
	}
}

static void want_env(const struct cli_options *o, const struct box_running *r, struct wanted *w)
{
	const char *home = w->spec.user ? other_home(r, &w->user) : NULL;

	execenv_begin(&w->env, r->envp);
	if (home)
		execenv_set(&w->env, "HOME", home);
	if (w->spec.tty && !execenv_value(r->envp, "TERM"))
		execenv_set(&w->env, "TERM", "xterm");
	for (size_t i = 0; i < o->env.n; i++)
		execenv_add(&w->env, o->env.v[i]);
	w->spec.envp = execenv_list(&w->env);
}

static int want(const struct cli_options *o, const struct box_running *r, struct wanted *w,
		struct err *err)
{
	want_terminal(o, w);
	if (want_user(o, r, w, err) < 0 ||
	    detachkeys_parse(o->detach_keys ? o->detach_keys : DETACHKEYS_DEFAULT, &w->keys, err) <
		    0)
		return -1;
	if (o->workdir && *o->workdir != '/')
		return err_kind(err, ERR_USAGE, "exec: --workdir: '%s' is not absolute",
				o->workdir);
	want_env(o, r, w);
	w->spec.cwd = o->workdir;
	w->spec.privileged = o->privileged;
	w->spec.detach = o->detach;
	for (size_t i = 1; i < o->args.n; i++)
		vec_push(&w->argv, o->args.v[i]);
	vec_push(&w->argv, NULL);
	w->spec.argv = w->argv.v;
	return 0;
}

/* ---- while it runs --------------------------------------------------------------------------- */

static int stay(const struct cli_options *o, const struct box_running *r, struct wanted *w,
		struct box_entered *e, int signals, struct err *err)
{
	const struct cli_far far = cli_far_entered(e);
	struct cli_attached a = { &far, &w->console, &w->keys, signals };
	const struct cli_term t = cli_term_get(o);
	int status = 0, rc = cli_attached_run(&a, &status, err);
	_cleanup_free_ char *text = NULL;

	if (rc < 0)
		return err_wrap(err, "exec: service '%s'", o->args.v[0]);
	if (rc == CLI_LEFT) {
		text = xasprintf("the command goes on in '%s'", r->slot);
		cli_say((void *)&t, SUP_NOTE, NULL, text);
		return 0;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && box_running_ended(r)) {
		text = xasprintf("exec: the container of '%s' ended, and the command with it",
				 r->slot);
		cli_say((void *)&t, SUP_ERROR, NULL, text);
	}
	return cli_exit_code(status);
}

static int execute(const struct cli_options *o, const struct box_running *r, struct err *err)
{
	_cleanup_(wanted_fini) struct wanted w = { 0 };
	struct box_entered e = { -1, -1, -1, -1 };
	_cleanup_fd_ int signals = -1;
	int rc = want(o, r, &w, err);

	if (rc < 0)
		return -1;
	signals = cli_signals_take();
	if (signals < 0)
		return err_sys(err, errno, "exec: signals");
	if (box_enter(r, &w.spec, &e, err) < 0)
		return err_wrap(err, "exec: service '%s'", o->args.v[0]);
	if (!o->detach)
		rc = stay(o, r, &w, &e, signals, err);
	box_entered_close(&e);
	return rc;
}

static int check(const struct cli_options *o, struct err *err)
{
	if (!o->args.n)
		return err_kind(err, ERR_USAGE,
				"exec: SERVICE is missing (see 'mstack help exec')");
	if (o->args.n == 1)
		return err_kind(
			err, ERR_USAGE,
			"exec: the command is missing: mstack exec %s CMD... (see 'mstack help exec')",
			o->args.v[0]);
	if (geteuid())
		return err_set(err, "exec: entering a container needs root: run mstack with sudo");
	return 0;
}

int cli_exec(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	struct box_running *r;
	int rc;

	if (check(o, err) < 0)
		return -1;
	if (box_seal_self(PROCESS_NAME, err) < 0)
		return err_wrap(err, "exec");
	if (cli_project_find(o, &p, err) < 0)
		return -1;
	r = find(o, &p, err);
	if (!r)
		return -1;
	/* It would stand still with the others, and we with it. */
	if (box_running_frozen(r))
		rc = err_set(err, "exec: service '%s' is paused: 'mstack unpause %s' first",
			     o->args.v[0], o->args.v[0]);
	else
		rc = execute(o, r, err);
	box_running_free(r);
	return rc;
}

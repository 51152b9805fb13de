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
#include "cli/execall.h"
#include "cli/execwant.h"
#include "cli/reread.h"
#include "mstack/rootless.h"

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

struct wanted {
	struct execwant who;
	struct detachkeys keys;
	struct cli_console console;
};

static void wanted_fini(struct wanted *w)
{
	execwant_fini(&w->who);
}

static void want_terminal(const struct cli_options *o, struct wanted *w)
{
	struct box_enter_spec *spec = &w->who.spec;
	struct winsize size = { 0 };

	w->console.fd = -1;
	spec->user_term = -1;
	if (o->no_tty || o->detach || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return;
	w->console.fd = spec->user_term = STDIN_FILENO;
	spec->tty = true;
	if (!ioctl(STDIN_FILENO, TIOCGWINSZ, &size)) {
		spec->rows = size.ws_row;
		spec->cols = size.ws_col;
	}
}

static int want(const struct cli_options *o, const struct box_running *r, struct wanted *w,
		struct err *err)
{
	want_terminal(o, w);
	if (detachkeys_parse(o->detach_keys ? o->detach_keys : DETACHKEYS_DEFAULT, &w->keys, err) <
	    0)
		return -1;
	return execwant_make(&w->who, o, r, o->args.v[0], o->args.v + 1, o->args.n - 1, err);
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
	if (box_enter(r, &w.who.spec, &e, err) < 0)
		return err_wrap(err, "exec: service '%s'", o->args.v[0]);
	if (!o->detach)
		rc = stay(o, r, &w, &e, signals, err);
	box_entered_close(&e);
	return rc;
}

static bool is_for_all(const struct cli_options *o)
{
	return o->all || o->only.n;
}

static int check(const struct cli_options *o, struct err *err)
{
	if (is_for_all(o) && o->index)
		return err_kind(err, ERR_USAGE,
				"exec: --index is for one container, --all for each");
	if (is_for_all(o) && !o->args.n)
		return err_kind(err, ERR_USAGE,
				"exec: the command is missing: mstack exec --all CMD...");
	if (!o->args.n)
		return err_kind(err, ERR_USAGE,
				"exec: SERVICE is missing (see 'mstack help exec')");
	if (!is_for_all(o) && o->args.n == 1)
		return err_kind(
			err, ERR_USAGE,
			"exec: the command is missing: mstack exec %s CMD... (see 'mstack help exec')",
			o->args.v[0]);
	return execwant_check(o, err);
}

/*
 * An ordinary user is root in the user namespace of the stack, and has to be there before the program goes on as a sealed copy: what a process
 * may see of itself depends on where it was executed. The stack file may come from standard input, and is read again then.
 */
static int join(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	_cleanup_(cli_containers_fini) struct cli_containers c = { 0 };

	if (cli_reread_keep(o, err) < 0 || cli_project_find(o, &p, err) < 0 ||
	    cli_containers_open(&c, "exec", &p, err) < 0)
		return -1;
	return cli_reread_again(o, err);
}

int cli_exec(const struct cli_options *o, struct err *err)
{
	_cleanup_(cli_project_fini) struct cli_project p = { 0 };
	struct box_running *r;
	int rc;

	if (check(o, err) < 0)
		return -1;
	if (rootless_outside() && join(o, err) < 0)
		return -1;
	if (box_seal_self(PROCESS_NAME, err) < 0)
		return err_wrap(err, "exec");
	if (cli_project_find(o, &p, err) < 0)
		return -1;
	if (is_for_all(o))
		return execall(o, &p, err);
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

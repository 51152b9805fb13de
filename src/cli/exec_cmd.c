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
#include "cli/execenv.h"
#include "cli/project.h"
#include "mstack/store.h"
#include "mstack/sup.h"

#define PROCESS_NAME "mstack-exec" /* not "mstack": its children are in the container's cgroup */

/* ---- finding the container ------------------------------------------------------------------- */

static void free_list(char ***list)
{
	for (size_t i = 0; *list && (*list)[i]; i++)
		free((*list)[i]);
	free(*list);
}

/* N of "SERVICE-N", 0 if it is a slot of another service. */
static unsigned long index_of(const char *slot, const char *service)
{
	size_t len = strlen(service);
	char *end;
	unsigned long n;

	if (strncmp(slot, service, len) != 0 || slot[len] != '-' || slot[len + 1] < '1' ||
	    slot[len + 1] > '9')
		return 0;
	n = strtoul(slot + len + 1, &end, 10);
	return *end ? 0 : n;
}

static int parse_index(const char *text, unsigned long *ret, struct err *err)
{
	size_t len = text ? strlen(text) : 0;

	*ret = 0;
	if (!text)
		return 0;
	if (!len || len > 9 || strspn(text, "0123456789") != len || *text == '0')
		return err_kind(err, ERR_USAGE, "exec: --index: '%s' is not a number from 1 on",
				text);
	*ret = strtoul(text, NULL, 10);
	return 0;
}

/* A service that is in the file, or runs though it is not in it any more. */
static bool is_known(const struct cli_project *p, char *const *slots, const char *service)
{
	if (p->stack && stack_find_service(p->stack, service))
		return true;
	for (; *slots; slots++)
		if (index_of(*slots, service))
			return true;
	return false;
}

static int no_service(const struct cli_project *p, char *const *slots, const char *service,
		      struct err *err)
{
	struct VEC(const char *) names = { 0 };
	const char *near;

	for (size_t i = 0; p->stack && i < p->stack->n_services; i++)
		vec_push(&names, p->stack->services[i].name);
	for (; !p->stack && *slots; slots++)
		vec_push(&names, *slots);
	near = nearest_name(service, names.v, names.n);
	if (near)
		err_set(err, "exec: no such service: '%s': did you mean '%s'?", service, near);
	else
		err_set(err, "exec: no such service: '%s' in stack '%s'", service, p->name);
	vec_fini(&names);
	return -1;
}

/* Which of them runs, for who asked for one that does not. */
static int no_index(char *const *slots, const char *service, unsigned long wanted, struct err *err)
{
	struct buf list = { 0 };

	for (; *slots; slots++)
		if (index_of(*slots, service))
			buf_printf(&list, "%s%lu", list.len ? ", " : "", index_of(*slots, service));
	err_set(err, "exec: service '%s': --index %lu is not running; running: %s", service, wanted,
		buf_str(&list));
	buf_fini(&list);
	return -1;
}

/* As compose: without --index the lowest one that runs. */
static int choose(const struct cli_project *p, char *const *slots, const char *service,
		  unsigned long wanted, const char **ret, struct err *err)
{
	unsigned long best = 0;

	for (size_t i = 0; slots[i]; i++) {
		unsigned long n = index_of(slots[i], service);

		if (!n || (best && (wanted ? n != wanted : n > best)))
			continue;
		best = n;
		*ret = slots[i];
	}
	if (!is_known(p, slots, service))
		return no_service(p, slots, service, err);
	if (!best)
		return err_set(err, "exec: service '%s' is not running: see 'mstack ps -a'",
			       service);
	return wanted && best != wanted ? no_index(slots, service, wanted, err) : 0;
}

static struct box_running *find(const struct cli_options *o, const struct cli_project *p,
				struct err *err)
{
	static char *const none[] = { NULL };
	_cleanup_(free_list) char **slots = NULL;
	pid_t supervisor = sup_owner(p->name);
	struct box_running *r;
	unsigned long wanted;
	const char *slot = NULL;

	if (parse_index(o->index, &wanted, err) < 0)
		return NULL;
	if (!supervisor && p->stack && !stack_find_service(p->stack, o->args.v[0])) {
		no_service(p, none, o->args.v[0], err);
		return NULL;
	}
	if (!supervisor) {
		err_set(err, "exec: stack '%s' is not up", p->name);
		return NULL;
	}
	slots = box_running_list(supervisor);
	if (choose(p, slots, o->args.v[0], wanted, &slot, err) < 0)
		return NULL;
	r = box_running_get(supervisor, slot, err);
	if (!r)
		err_wrap(err, "exec: service '%s'", o->args.v[0]);
	return r;
}

/* ---- who and with what ----------------------------------------------------------------------- */

/* Users are looked up in the container's own files as they are now, by our own reader. */
static int look_up(const struct box_running *r, const char *spec, struct store_user *ret,
		   struct err *err)
{
	char root[48];
	char *const layers[] = { root };
	const struct store_image as_image = { .layers = (char **)layers, .n_layers = 1 };

	snprintf(root, sizeof(root), "/proc/self/fd/%d", r->root);
	return store_user(&as_image, spec, ret, err);
}

/* HOME of the container is that of its user, unless somebody has set it: only then another user takes another one along. */
static const char *other_home(const struct box_running *r, const struct store_user *user)
{
	_cleanup_(store_user_fini) struct store_user own = { 0 };
	char id[16];
	const char *home = execenv_value(r->envp, "HOME");

	snprintf(id, sizeof(id), "%u", r->uid);
	if (!home || look_up(r, id, &own, &(struct err){ 0 }) < 0 || strcmp(home, own.home) != 0)
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
	if (look_up(r, o->user, &w->user, err) < 0) {
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

static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

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
	return exit_code(status);
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
	if (o->dry_run)
		return err_kind(err, ERR_USAGE, "exec: --dry-run is not supported yet");
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
	rc = execute(o, r, err);
	box_running_free(r);
	return rc;
}

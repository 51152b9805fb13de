/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * execwant: see execwant.h. Called by exec for its one container, or for each of them. Prints nothing, starts nothing.
 */
#include <stdio.h>

#include "cli/execwant.h"

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

static int want_user(struct execwant *w, const struct cli_options *o, const struct box_running *r,
		     const char *who, struct err *err)
{
	if (!o->user)
		return 0;
	if (cli_container_user(r, o->user, &w->user, err) < 0) {
		err->kind = ERR_CREATE;
		return err_wrap(err, "exec: service '%s'", who);
	}
	w->ids = (struct box_user){ w->user.uid, w->user.gid, w->user.groups, w->user.n_groups };
	w->spec.user = &w->ids;
	return 0;
}

static void want_env(struct execwant *w, const struct cli_options *o, const struct box_running *r)
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

int execwant_check(const struct cli_options *o, struct err *err)
{
	if (o->user && !*o->user)
		return err_kind(err, ERR_USAGE, "exec: --user: NAME or ID, or NAME:GROUP");
	if (o->workdir && *o->workdir != '/')
		return err_kind(err, ERR_USAGE, "exec: --workdir: '%s' is not absolute",
				o->workdir);
	return 0;
}

int execwant_make(struct execwant *w, const struct cli_options *o, const struct box_running *r,
		  const char *who, const char *const *words, size_t n, struct err *err)
{
	if (want_user(w, o, r, who, err) < 0)
		return -1;
	want_env(w, o, r);
	w->spec.cwd = o->workdir;
	w->spec.privileged = o->privileged;
	w->spec.detach = o->detach;
	for (size_t i = 0; i < n; i++)
		vec_push(&w->argv, words[i]);
	vec_push(&w->argv, NULL);
	w->spec.argv = w->argv.v;
	return 0;
}

void execwant_fini(struct execwant *w)
{
	store_user_fini(&w->user);
	execenv_fini(&w->env);
	vec_fini(&w->argv);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hooks: `post_start` and `pre_stop`, one command after the other in the running container. execute.c begins them when a state asks
 * for it, settle.c tells how each ended. The first that fails ends the list: a container whose post_start failed is stopped, one whose
 * pre_stop failed is stopped all the same. One that ends before its hooks takes them along, which is no failure of theirs.
 */
#include <signal.h>
#include <sys/wait.h>

#include "sup/state.h"

/* ---- running --------------------------------------------------------------------------------- */

void sup_hooks_begin(struct sup_slot *slot, const struct plan_hooks *list)
{
	slot->hooking = (struct sup_hooking){ .list = list };
	sup_inside_want(slot, ERRAND_HOOK);
}

void sup_hooks_end(struct sup_slot *slot)
{
	sup_inside_drop(slot, ERRAND_HOOK);
}

/*
 * HOME of the container is that of its user, unless somebody has set it: only then another user takes another one along, as in
 * `mstack exec`.
 */
const char *const *sup_home_of(const struct sup_slot *slot, const struct store_user *user,
			       const char *const *envp, struct arena *a)
{
	const struct store_user *own =
		&slot->prepared->users[slot->plan->service - slot->stack->services];
	const char *usual = arena_printf(a, "HOME=%s", own->home ? own->home : "/");
	const char **env;
	size_t n = 0;

	while (envp[n])
		n++;
	env = arena_array(a, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		env[i] = strcmp(envp[i], usual) != 0 ? envp[i]
						     : arena_printf(a, "HOME=%s", user->home);
	env[n] = NULL;
	return env;
}

int sup_hook_begin(struct sup_slot *slot, struct err *err)
{
	return sup_hook_run(slot, &slot->hooking.list->v[slot->hooking.at], err);
}

int sup_hook_run(struct sup_slot *slot, const struct plan_hook *h, struct err *err)
{
	_cleanup_(store_user_fini) struct store_user user = { 0 };
	struct box_user ids;
	struct box_exec_spec spec = { .token = slot->nr,
				      .argv = h->argv,
				      .envp = h->envp,
				      .cwd = h->cwd,
				      .privileged = h->privileged };
	struct arena *a;
	int rc;

	if (h->user && store_user(slot->plan->image, h->user, &user, err) < 0)
		return -1;
	a = arena_new();
	ids = (struct box_user){ user.uid, user.gid, user.groups, user.n_groups };
	if (h->user) {
		spec.user = &ids;
		spec.envp = sup_home_of(slot, &user, h->envp, a);
	}
	rc = box_exec(slot->box, &spec, err);
	arena_free(a);
	return rc;
}

/* ---- the end --------------------------------------------------------------------------------- */

void sup_end_words(int status, char *ret, size_t size)
{
	if (WIFEXITED(status))
		snprintf(ret, size, "exited with code %d", WEXITSTATUS(status));
	else
		snprintf(ret, size, "ended by %s", sig_name(WTERMSIG(status)));
}

static void explain(struct sup_slot *slot, int status, struct err *ret)
{
	const struct sup_hooking *h = &slot->hooking;
	bool before_stop = h->list == &slot->plan->pre_stop;
	char how[48];

	slot->probe_output[strcspn(slot->probe_output, "\n")] = 0; /* its first line says most */
	sup_end_words(status, how, sizeof(how));
	err_kind(ret, ERR_RUN, "%s[%zu]: '%.80s' %s%s%.200s",
		 before_stop ? "pre_stop" : "post_start", h->at, h->list->v[h->at].argv[0], how,
		 *slot->probe_output ? ": " : "", slot->probe_output);
	ret->line = h->list->v[h->at].line;
}

static void failed(struct sup_slot *slot, int status)
{
	struct err err = { 0 };

	explain(slot, status, &err);
	if (slot->log)
		logs_say(slot->log, "%s", err.text);
	sup_err_at(slot->stack, slot->plan->service, &err);
	/* Nobody looks at the error of one that is on its way out. */
	if (slot->hooking.list == &slot->plan->pre_stop)
		sup_say(&slot->sup->opts->hooks, SUP_WARNING, slot->plan->name, "%s", err.text);
	else
		slot->err = err;
}

/* Killed, or never begun, because its container ends: what follows is the event of that end. */
static bool went_along(const struct sup_slot *slot, const struct box_event *ev)
{
	bool ran = ev->pid && !ev->err.text[0];

	if (ran && !(WIFSIGNALED(ev->status) && WTERMSIG(ev->status) == SIGKILL))
		return false;
	return !slot->box || box_is_ending(slot->box);
}

void sup_hook_done(struct sup_slot *slot, const struct box_event *ev)
{
	struct sup_hooking *h = &slot->hooking;
	int status = ev->status;

	if (went_along(slot, ev))
		return;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		failed(slot, status);
		sup_feed(slot, SVC_EV_HOOKS_FAILED, 0);
	} else if (++h->at < h->list->n) {
		sup_inside_want(slot, ERRAND_HOOK);
	} else {
		sup_feed(slot, SVC_EV_HOOKS_DONE, 0);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * leftover: what the kernel and the disk have of stacks, compared with what their ledgers say. Called by `mstack doctor`, beside
 * supervisors that run; so it changes nothing, takes no lock for longer than a look, and what may just be coming or going is
 * looked at twice. Removing is cleanup.c's.
 */
#include <dirent.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "sup/state.h"

static const struct timespec moment = { .tv_nsec = 100000000 };

struct names VEC(char *);

/* ---- whose they may be ----------------------------------------------------------------------- */

static void take_name(void *arg, const char *project)
{
	struct names *all = arg;

	if (!stack_name_valid(project))
		return;
	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(all->v[i], project))
			return;
	vec_push(all, xstrdup(project));
}

/* A folder of a name without anything in it counts as well; `leases` is net's, but may be a stack's name too. */
static void take_folders(struct names *all)
{
	_cleanup_closedir_ DIR *dir = opendir(path_run_dir());
	const struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (e->d_type == DT_DIR && strcmp(e->d_name, "leases") != 0)
			take_name(all, e->d_name);
	for (char **projects = sup_projects(), **p = projects;; p++) {
		if (!*p) {
			free(projects);
			break;
		}
		take_name(all, *p);
		free(*p);
	}
}

static void names_fini(struct names *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->v[i]);
	vec_fini(all);
}

/* ---- one stack ------------------------------------------------------------------------------- */

struct look {
	const char *project;
	pid_t owner;
	struct ledger *found, *ledger; /* ledger: NULL, there is none */
	void (*tell)(void *arg, const struct sup_leftover *l);
	void *arg;
};

static void tell(const struct look *k, const char *kind, const char *key, bool missing)
{
	k->tell(k->arg, &(struct sup_leftover){ .project = k->project,
						.kind = kind,
						.key = key,
						.missing = missing,
						.owner = k->owner });
}

static struct ledger *read_ledger(const char *project)
{
	_cleanup_free_ char *path = sup_ledger_path(project);

	return ledger_open(path, false, sup_ledger_kinds, &(struct err){ 0 });
}

/* The group above all stacks is none's. */
static bool is_shared(const struct ledger_item *item)
{
	return !strcmp(item->kind, "cgroup-top");
}

/* Below a folder that is entered everything is: it goes with it. */
static bool is_entered(const struct ledger *l, const struct ledger_item *item)
{
	for (const struct ledger_item *i = NULL; l && (i = ledger_next(l, NULL, i));) {
		size_t len = strlen(i->key);

		if (!strcmp(i->key, item->key) ||
		    ((!strcmp(i->kind, "folder") || !strcmp(i->kind, "layer")) &&
		     !strncmp(i->key, item->key, len) && item->key[len] == '/'))
			return true;
	}
	return false;
}

/* What stands under the stack's names and is in no ledger. */
static void tell_unknown(const struct look *k)
{
	for (const struct ledger_item *i = NULL; (i = ledger_next(k->found, NULL, i));)
		if (ledger_there(k->found, i) == 1 && !is_shared(i) && !is_entered(k->ledger, i))
			tell(k, i->kind, i->key, false);
}

/* Nobody lives: whatever is still there of what was entered was left. */
static void tell_left(const struct look *k)
{
	_cleanup_free_ char *dir = sup_project_dir(k->project);

	for (const struct ledger_item *i = NULL;
	     k->ledger && (i = ledger_next(k->ledger, NULL, i));)
		if (ledger_there(k->ledger, i) == 1 && !is_shared(i))
			tell(k, i->kind, i->key, false);
	tell_unknown(k);
	if (!access(dir, F_OK))
		tell(k, "folder", dir, false);
}

/* Is it entered still, now that it had the time to be entered as gone? */
static bool is_lost(const struct ledger *now, const struct ledger_item *item)
{
	const struct ledger_item *i = ledger_find(now, item->kind, item->key);

	return i && i->id == item->id && i->state == LEDGER_DONE && ledger_there(now, i) == -1;
}

static void tell_lost(const struct look *k)
{
	struct ledger *now = NULL;

	for (const struct ledger_item *i = NULL;
	     k->ledger && (i = ledger_next(k->ledger, NULL, i));) {
		if (is_shared(i) || i->state != LEDGER_DONE || ledger_there(k->ledger, i) != -1)
			continue;
		if (!now) {
			nanosleep(&moment, NULL);
			now = read_ledger(k->project);
		}
		if (now && is_lost(now, i))
			tell(k, i->kind, i->key, true);
	}
	ledger_close(now);
}

/*
 * First what there is, then the ledger: what a supervisor made in between was entered before. Its links cannot be told from
 * those of a dead one, and go with it.
 */
static int look_at_living(struct look *k, struct err *err)
{
	if (box_find(k->project, k->found, err) < 0 || store_find(k->project, k->found, err) < 0)
		return -1;
	k->ledger = read_ledger(k->project);
	if (k->ledger) {
		tell_unknown(k);
		tell_lost(k);
	}
	return 0;
}

static int look_at_dead(struct look *k, struct err *err)
{
	int rc = box_supervisor(k->project) ? 0 : sup_find(k->project, k->found, err);

	if (rc < 0)
		return err->sys == EBUSY ? 0 : -1;
	/* With another folder for what it writes down: it is for those to look who use that. */
	if (box_supervisor(k->project) || sup_owner(k->project))
		return 0;
	k->ledger = read_ledger(k->project);
	tell_left(k);
	return 0;
}

static int look_at(struct look *k, struct err *err)
{
	int rc;

	k->owner = sup_owner(k->project);
	k->ledger = NULL;
	k->found = ledger_scratch(sup_ledger_kinds, err);
	if (!k->found)
		return -1;
	rc = k->owner ? look_at_living(k, err) : look_at_dead(k, err);
	ledger_close(k->found);
	ledger_close(k->ledger);
	return rc < 0 ? err_wrap(err, "stack '%s'", k->project) : 0;
}

int sup_leftovers(void (*told)(void *arg, const struct sup_leftover *l), void *arg, struct err *err)
{
	_cleanup_(names_fini) struct names all = { 0 };

	take_folders(&all);
	box_projects(take_name, &all);
	net_projects(take_name, &all);
	store_projects(take_name, &all);
	for (size_t i = 0; i < all.n; i++) {
		struct look k = { .project = all.v[i], .tell = told, .arg = arg };

		if (look_at(&k, err) < 0)
			return -1;
	}
	return 0;
}

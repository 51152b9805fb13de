/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * leftover: what the kernel and the disk have of stacks, compared with what their ledgers say. Called by `mstack doctor`, beside
 * supervisors that run; so it changes nothing, takes no lock for longer than a look, and what may just be coming or going is
 * looked at twice. Removing is cleanup.c's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mstack/rootless.h"
#include "sup/state.h"

/* For a word of a supervisor; longer than a turn of its loop takes. */
enum { STATUS_MS = 2000 };

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
	bool apart = rootless_net_is_foreign();

	if (sup_own_level(NULL, NULL, err) < 0)
		return -1;
	take_folders(&all);
	box_projects(take_name, &all);
	net_projects(take_name, &all);
	store_projects(take_name, &all);
	for (size_t i = 0; i < all.n; i++) {
		struct look k = {
			.project = all.v[i], .owner = sup_owner(all.v[i]), .tell = told, .arg = arg
		};

		if (!(apart && k.owner) && look_at(&k, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- from inside ----------------------------------------------------------------------------- */

static void tell_json(void *arg, const struct sup_leftover *l)
{
	json_array_append_new(arg, json_pack("{s:s, s:s, s:b}", "kind", l->kind, "key", l->key,
					     "missing", l->missing));
}

/* Links and mounts of an ordinary user's stack are seen from its supervisor's namespaces only. */
static int go_in(pid_t owner, struct err *err)
{
	_cleanup_fd_ int fd = (int)syscall(SYS_pidfd_open, owner, 0);

	if (fd < 0)
		return err_sys(err, errno, "process %d", (int)owner);
	if (rootless_join(owner, err) < 0)
		return -1;
	return setns(fd, CLONE_NEWNS) < 0
		       ? err_sys(err, errno, "enter the mounts of process %d", (int)owner)
		       : 0;
}

/* An array of what was found, or an object that says why nobody could look. */
static _Noreturn void look_inside(const char *project, pid_t owner, int to)
{
	json_t *found = json_array();
	struct look k = { .project = project, .owner = owner, .tell = tell_json, .arg = found };
	struct err err = { 0 };

	if (go_in(owner, &err) < 0 || look_at(&k, &err) < 0)
		found = json_pack("{s:s}", "error", err.text);
	_exit(json_dumpfd(found, to, 0) < 0);
}

/* What a process of its own has found; NULL: it could not say. */
static json_t *ask_inside(const char *project, pid_t owner)
{
	json_t *found = NULL;
	int pair[2];
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return NULL;
	pid = fork();
	if (pid == 0)
		look_inside(project, owner, pair[1]);
	close(pair[1]);
	if (pid > 0)
		found = json_loadfd(pair[0], 0, NULL);
	close(pair[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return found;
}

static int take_way_out(void *arg, const struct ctl_msg *m)
{
	bool *lost = arg;

	*lost = *lost || json_is_true(json_object_get(m->body, "way_out_lost"));
	return 0;
}

/* It is no thing of the kernel's, so no ledger tells. Who does not answer has been said so elsewhere. */
static void tell_way_out(const struct look *k)
{
	_cleanup_free_ char *path = sup_socket_path(k->project);
	_cleanup_fd_ int fd = ctl_connect(path, STATUS_MS, &(struct err){ 0 });
	bool lost = false;

	if (fd >= 0)
		ctl_call(fd, CTL_STATUS, NULL, take_way_out, &lost, &(struct err){ 0 });
	if (lost)
		tell(k, "way out", "mstack-porch", true);
}

static int look_at_running(struct look *k, struct err *err)
{
	json_t *found = ask_inside(k->project, k->owner);
	const char *why = json_string_value(json_object_get(found, "error"));
	const json_t *one;
	size_t i;
	int rc = 0;

	json_array_foreach(found, i, one)
		tell(k, json_string_value(json_object_get(one, "kind")),
		     json_string_value(json_object_get(one, "key")),
		     json_is_true(json_object_get(one, "missing")));
	/* One that has ended meanwhile is looked at with those that do not run. */
	if (!json_is_array(found) && sup_owner(k->project) == k->owner)
		rc = err_set(err, "stack '%s': look inside: %s", k->project,
			     why ? why : "the process that did it has ended");
	json_decref(found);
	return rc;
}

int sup_leftovers_inside(void (*told)(void *arg, const struct sup_leftover *l), void *arg,
			 struct err *err)
{
	_cleanup_(names_fini) struct names all = { 0 };

	take_folders(&all);
	for (size_t i = 0; i < all.n; i++) {
		struct look k = {
			.project = all.v[i], .owner = sup_owner(all.v[i]), .tell = told, .arg = arg
		};

		if (!k.owner)
			continue;
		if (look_at_running(&k, err) < 0)
			return -1;
		tell_way_out(&k);
	}
	return 0;
}

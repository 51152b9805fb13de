/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Undoing without a supervisor. The same code serves the supervisor's own end,
 * its guard, `down` after a crash, and `up` on top of leftovers: the ledger knows what there is.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "mstack/rootless.h"
#include "sup/keeping.h"

/*
 * Whoever ends removes the ledger file while we may be opening it, so opening is tried again. Each
 * try loses only against another end, and there are not ten of those at once.
 */
enum { UNDO_MS = 10000, OPEN_TRIES = 10, MOMENT_MS = 200 };

const struct ledger_kind *const *const sup_ledger_kinds[] = {
	ledger_kinds, box_ledger_kinds, net_ledger_kinds, store_ledger_kinds, NULL,
};

static int make_folder(const char *dir, struct err *err)
{
	_cleanup_free_ char *lacks = NULL;

	if (!path_mkdirs(AT_FDCWD, dir, 0700))
		return 0;
	err_sys(err, errno, "run-time folder '%s' (MSTACK_RUN_DIR names another)", dir);
	/* What we tried then is root's. */
	lacks = rootless_lacks_run_dir();
	if (lacks)
		err_set(err, "%s", lacks);
	return -1;
}

/* Opens and locks once. ENOENT and ESTALE in err: whoever had it before removed it under our hands. */
static struct ledger *open_locked(const char *project, bool create, unsigned wait_ms,
				  struct err *err)
{
	_cleanup_free_ char *dir = sup_project_dir(project);
	_cleanup_free_ char *path = sup_ledger_path(project);
	struct ledger *l;
	pid_t pid = 0;
	int rc;

	if (create && make_folder(dir, err) < 0)
		return NULL;
	l = ledger_open(path, create, sup_ledger_kinds, err);
	if (!l)
		return NULL;
	rc = ledger_lock(l, wait_ms, &pid, err);
	if (rc == 0)
		return l;
	if (rc == 1)
		sup_busy(
			err,
			"stack '%s' is already up (supervisor is process %d; end it with `mstack down -p %s`)",
			project, (int)pid, project);
	ledger_close(l);
	return NULL;
}

struct ledger *sup_ledger_open(const char *project, bool create, unsigned wait_ms, struct err *err)
{
	struct ledger *l;

	for (int i = 0; i < OPEN_TRIES; i++) {
		l = open_locked(project, create, wait_ms, err);
		if (l || (err->sys != ESTALE && !(create && err->sys == ENOENT)))
			return l;
	}
	return NULL;
}

void sup_ledger_drop(const char *project)
{
	_cleanup_free_ char *dir = sup_project_dir(project);
	_cleanup_free_ char *path = sup_ledger_path(project);

	unlink(path);
	rmdir(dir);
	rmdir(path_run_dir());
}

static void tell_leftover(void *arg, const char *line)
{
	sup_say(arg, SUP_ERROR, NULL, "still there: %s", line);
}

/* The folder goes last, and only after all else: the ledger in it is what a second try needs. */
int sup_undo_items(struct ledger *l, const struct sup_hooks *hooks, struct err *err)
{
	struct sup_hooks none = { 0 };

	return ledger_undo(l, UNDO_MS, tell_leftover, (void *)(hooks ? hooks : &none), err);
}

int sup_undo(struct ledger *l, const char *project, const struct sup_hooks *hooks, struct err *err)
{
	_cleanup_free_ char *dir = sup_project_dir(project);
	int rc = sup_undo_items(l, hooks, err);

	if (rc != 0)
		return rc;
	/* Before our own folder, by which the next one knows that we were killed here. */
	sup_netns_folder_leave();
	if (path_remove_tree(AT_FDCWD, dir) < 0)
		return err_sys(err, errno, "remove run-time folder '%s'", dir);
	rmdir(path_run_dir()); /* only when it is empty: the last stack */
	return 0;
}

static int cleanup(const char *project, const struct sup_hooks *hooks, struct err *err)
{
	struct ledger *l = sup_ledger_open(project, false, SUP_GUARD_MS, err);
	int rc;

	if (!l && err->sys != ENOENT)
		return -1;
	/* It has the table of rules, which nobody else may remove, and ports and networks. */
	if (sup_kept_release(project, CTL_FORGET, err) < 0) {
		ledger_close(l);
		return -1;
	}
	if (!l) {
		rc = sup_find(project, NULL, err);
		if (rc <= 0)
			return rc;
		l = sup_ledger_open(project, true, SUP_GUARD_MS, err);
	}
	if (!l)
		return -1;
	/* One without an entry is as good as none. */
	rc = ledger_next(l, NULL, NULL) ? 0 : sup_find(project, l, err);
	if (rc >= 0)
		rc = sup_undo(l, project, hooks, err);
	ledger_close(l);
	return rc;
}

int sup_cleanup(const char *project, const struct sup_hooks *hooks, struct err *err)
{
	int rc = sup_own_level(NULL, NULL, err) < 0 ? -1 : cleanup(project, hooks, err);

	store_sweep();
	return rc;
}

/* Who holds the lock is alive, so the number is its own. */
pid_t sup_owner(const char *project)
{
	_cleanup_free_ char *path = sup_ledger_path(project);

	return ledger_owner(path);
}

static bool has_nobody(const char *project)
{
	_cleanup_free_ char *path = sup_ledger_path(project);
	struct err err = { 0 };
	struct ledger *l = ledger_open(path, false, sup_ledger_kinds, &err);
	bool left = l && ledger_lock(l, 0, NULL, &err) == 0 && ledger_next(l, NULL, NULL);

	ledger_close(l);
	return left && !sup_keeper(project);
}

bool sup_is_left(const char *project)
{
	const uint64_t until = time_mono_ms() + MOMENT_MS;

	while (has_nobody(project)) {
		if (time_mono_ms() > until)
			return true;
		usleep(10000);
	}
	return false;
}

bool sup_is_guard(pid_t pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/comm", (int)pid);
	_cleanup_(buf_fini) struct buf name = { 0 };

	return file_read(AT_FDCWD, path, 64, &name) == 0 &&
	       !strcmp(buf_str(&name), SUP_GUARD_NAME "\n");
}

/* Who has not made it yet has not entered it as done. */
static bool has_made_socket(const char *project)
{
	_cleanup_free_ char *path = sup_ledger_path(project), *key = sup_socket_path(project);
	struct ledger *l = ledger_open(path, false, sup_ledger_kinds, &(struct err){ 0 });
	const struct ledger_item *item = l ? ledger_find(l, "socket", key) : NULL;
	bool made = item && item->state == LEDGER_DONE;

	ledger_close(l);
	return made;
}

pid_t sup_unheard(const char *project)
{
	pid_t pid = sup_owner(project);

	return pid > 0 && !sup_is_guard(pid) && has_made_socket(project) ? pid : 0;
}

int sup_interrupt(const char *project)
{
	pid_t pid = sup_owner(project);

	return pid > 0 && !sup_is_guard(pid) && kill(pid, SIGTERM) == 0 ? 0 : 1;
}

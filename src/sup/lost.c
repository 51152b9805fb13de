/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lost: a stack whose ledger is gone, by a hand or with the boot. Called by an `up` that found no entry and by cleaning up
 * without a supervisor. Each room finds its own things by name and enters them in a new ledger; undoing that does the rest.
 * What a living supervisor holds is never found: it is an error.
 */
#include <dirent.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "mstack/rootless.h"
#include "mstack/sup_keep.h"
#include "sup/state.h"

/* Containers end before their ledger, so a supervisor that has some and no ledger is hardly one that ends. */
enum { MOMENT_MS = 1000 };

static const struct timespec pause_20ms = { .tv_nsec = 20000000 };

/* EBUSY, in words of our own. */
static int living(const char *project, const char *more, struct err *err)
{
	err_set(err, "stack '%s' is already up%s", project, more);
	err->sys = EBUSY;
	return -1;
}

static int living_elsewhere(const char *project, pid_t pid, struct err *err)
{
	_cleanup_free_ char *dir = sup_project_dir(project), *who = NULL, *more = NULL;
	/* Outside of an ordinary user's level groups are those of root's stacks. */
	pid_t keeper = pid || rootless_outside() ? 0 : box_keeper(project);

	/* Where no group tells. */
	if (!pid && !keeper)
		pid = sup_project_locker(project, SUP_PROCESS_NAME);
	if (!pid && !keeper)
		keeper = sup_project_locker(project, SUP_GUARD_NAME);
	if (pid)
		who = xasprintf(" (supervisor is process %d; end it with `kill %d`)", (int)pid,
				(int)pid);
	else if (keeper)
		who = xasprintf(
			" (process %d keeps it: take its MSTACK_RUN_DIR, or end it with `kill %d` and then `mstack down`)",
			(int)keeper, (int)keeper);
	more = xasprintf(
		"%s, but '%s' is not its folder: that was removed, or MSTACK_RUN_DIR names another one",
		who ? who : "", dir);
	return living(project, more, err);
}

/* A supervisor that is just dying is waited for. Nothing is found here. */
static int refuse_living(const char *project, struct ledger *l, struct err *err)
{
	_cleanup_free_ char *path = sup_socket_path(project);
	_cleanup_fd_ int fd = ctl_connect(path, 0, &(struct err){ 0 });
	uint64_t until = time_mono_ms() + SUP_GUARD_MS;
	pid_t pid;

	(void)l;
	if (fd >= 0)
		return living(project, ", only its ledger was removed: end it with `mstack down`",
			      err);
	while ((pid = box_supervisor(project)) && time_mono_ms() < until)
		nanosleep(&pause_20ms, NULL);
	while (!pid && sup_project_is_locked(project)) {
		if (time_mono_ms() >= until)
			return living_elsewhere(project, 0, err);
		nanosleep(&pause_20ms, NULL);
	}
	return pid ? living_elsewhere(project, pid, err) : 0;
}

/* *ret_pid: its supervisor, if groups tell. */
static bool lives(const char *project, pid_t *ret_pid)
{
	*ret_pid = 0;
	if (rootless_outside() || rootless_is_user())
		return sup_project_is_locked(project);
	*ret_pid = box_supervisor(project);
	return *ret_pid || box_keeper(project);
}

/* A ledger where it belongs, or who keeps the stack and listens there, speaks for the folder. */
int sup_living_elsewhere(const char *project, struct err *err)
{
	_cleanup_free_ char *ledger = sup_ledger_path(project);
	const uint64_t begin = time_mono_ms();
	pid_t pid;

	while (access(ledger, F_OK) < 0 && errno == ENOENT && lives(project, &pid) &&
	       !sup_keeper(project)) {
		if (time_mono_ms() >= begin + (pid ? MOMENT_MS : SUP_GUARD_MS))
			return living_elsewhere(project, pid, err);
		nanosleep(&pause_20ms, NULL);
	}
	return 0;
}

static int find_net(const char *project, struct ledger *l, struct err *err)
{
	uint64_t until = time_mono_ms() + SUP_GUARD_MS;
	struct net_spec spec = { 0 };
	int rc;

	plan_names(project, &spec);
	while ((rc = net_find(&spec, l, err)) < 0 && err->sys == EBUSY && time_mono_ms() < until)
		nanosleep(&pause_20ms, NULL);
	return rc < 0 && err->sys == EBUSY ? living_elsewhere(project, 0, err) : rc;
}

static const char *kind_of(unsigned char type)
{
	return type == DT_DIR ? "folder" : type == DT_SOCK ? "socket" : "file";
}

static int find_folder(const char *project, struct ledger *l, struct err *err)
{
	_cleanup_free_ char *path = sup_project_dir(project);
	_cleanup_closedir_ DIR *dir = opendir(path);
	const struct dirent *e;
	int found = !l && dir;

	while (dir && (e = readdir(dir))) {
		_cleanup_free_ char *key = xasprintf("%s/%s", path, e->d_name);

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    !strcmp(e->d_name, "ledger"))
			continue;
		if (l && !ledger_intend(l, kind_of(e->d_type), 0, key, err))
			return -1;
		found = 1;
	}
	return found;
}

/* In the order in which a run enters them, so that it is undone the same way: first of all what runs is ended. */
int sup_find(const char *project, struct ledger *l, struct err *err)
{
	static int (*const finds[])(const char *project, struct ledger *l, struct err *err) = {
		refuse_living, find_net, net_hosts_find, find_folder, store_find, sup_netns_find, box_find,
	};
	int found = 0;

	for (size_t i = 0; i < ARRAY_LEN(finds); i++) {
		int rc = finds[i](project, l, err);

		if (rc < 0)
			return -1;
		found |= rc;
	}
	return found;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * boxfind: the cgroups and ids of a stack whose ledger was lost. Called by sup, before an `up` and by
 * `down`. They stand where the names say, and nobody else's do; nothing is removed here.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "box/cgroup.h"
#include "box/ids.h"

#define TEXT_MAX 65536

static pid_t parent_of(pid_t pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/stat", (int)pid);
	_cleanup_(buf_fini) struct buf text = { 0 };
	const char *name_end;
	int parent;

	if (file_read(AT_FDCWD, path, TEXT_MAX, &text) < 0)
		return 0;
	/* proc_pid_stat(5): the name may hold anything, brackets too. */
	name_end = strrchr(buf_str(&text), ')');
	return name_end && sscanf(name_end, ") %*c %d", &parent) == 1 ? parent : 0;
}

static bool is_called(pid_t pid, const char *name)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/comm", (int)pid);
	_cleanup_free_ char *line = xasprintf("%s\n", name);
	_cleanup_(buf_fini) struct buf text = { 0 };

	return file_read(AT_FDCWD, path, TEXT_MAX, &text) == 0 && !strcmp(buf_str(&text), line);
}

/* Orphans fall to process 1, which therefore proves nothing even if it is an mstack. */
static pid_t supervisor_of(pid_t pid)
{
	pid_t parent = parent_of(pid);

	return parent > 1 && is_called(parent, "mstack") ? parent : 0;
}

/* The first that `pick` makes out of one of those in the group; 0: it makes nothing out of any. */
static pid_t pick_from(const char *group, pid_t (*pick)(pid_t pid))
{
	_cleanup_free_ char *path = xasprintf("%s/cgroup.procs", group);
	_cleanup_(buf_fini) struct buf text = { 0 };
	char *save = NULL;

	if (file_read(AT_FDCWD, path, TEXT_MAX, &text) < 0 || !text.data)
		return 0;
	for (char *p = strtok_r(text.data, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		pid_t picked = pick((pid_t)strtol(p, NULL, 10));

		if (picked)
			return picked;
	}
	return 0;
}

/* With a supervisor it is that one's child. */
static pid_t guard_alone(pid_t pid)
{
	return is_called(pid, "mstack-guard") && !supervisor_of(pid) ? pid : 0;
}

pid_t box_keeper(const char *project)
{
	_cleanup_free_ char *top = NULL, *group = NULL;

	if (cgroup_find_top(&top, NULL, &(struct err){ 0 }))
		return 0;
	group = xasprintf("%s/%s/" CGROUP_APART, top, project);
	return pick_from(group, guard_alone);
}

pid_t box_supervisor(const char *project)
{
	_cleanup_free_ char *top = NULL, *path = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *e;
	pid_t found = 0;

	if (cgroup_find_top(&top, NULL, &(struct err){ 0 }))
		return 0;
	path = xasprintf("%s/%s", top, project);
	dir = opendir(path);
	while (dir && !found && (e = readdir(dir))) {
		_cleanup_free_ char *slot = xasprintf("%s/%s", path, e->d_name);

		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			found = pick_from(slot, supervisor_of);
	}
	return found;
}

static int enter(struct ledger *l, const char *kind, uint32_t parent, const char *path,
		 uint32_t *ret, struct err *err)
{
	if (!l)
		return 0;
	*ret = ledger_intend(l, kind, parent, path, err);
	return *ret ? 0 : -1;
}

static int find_groups(const char *project, struct ledger *l, struct err *err)
{
	_cleanup_free_ char *top = NULL, *path = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *e;
	uint32_t above = 0, group = 0, below;

	/* Where cgroup v2 is not mounted no stack ever ran. */
	if (cgroup_find_top(&top, NULL, &(struct err){ 0 }))
		return 0;
	path = xasprintf("%s/%s", top, project);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : err_sys(err, errno, "open cgroup '%s'", path);
	if (enter(l, CGROUP_TOP_KIND, 0, top, &above, err) < 0 ||
	    enter(l, CGROUP_KIND, above, path, &group, err) < 0)
		return -1;
	while ((e = readdir(dir))) {
		_cleanup_free_ char *slot = xasprintf("%s/%s", path, e->d_name);

		if (e->d_type == DT_DIR && e->d_name[0] != '.' &&
		    enter(l, CGROUP_KIND, group, slot, &below, err) < 0)
			return -1;
	}
	return 1;
}

/* Ids first, as they are free again when nothing runs with them any more. */
int box_find(const char *project, struct ledger *l, struct err *err)
{
	int ids = ids_find(project, l, err), groups = ids < 0 ? -1 : find_groups(project, l, err);

	return groups < 0 ? -1 : ids | groups;
}

void box_projects(void (*found)(void *arg, const char *project), void *arg)
{
	_cleanup_free_ char *top = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *e;

	ids_projects(found, arg);
	if (cgroup_find_top(&top, NULL, &(struct err){ 0 }) == 0)
		dir = opendir(top);
	while (dir && (e = readdir(dir)))
		if (e->d_type == DT_DIR && e->d_name[0] != '.')
			found(arg, e->d_name);
}

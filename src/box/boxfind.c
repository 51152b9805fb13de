/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * boxfind: the cgroups of a stack whose ledger was lost. Called by sup, before an `up` and by
 * `down`. They stand where the names say, and nobody else's do; nothing is removed here.
 */
#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "box/cgroup.h"

static int enter(struct ledger *l, const char *kind, const char *path, struct err *err)
{
	return l && !ledger_intend(l, kind, 0, path, err) ? -1 : 0;
}

int box_find(const char *project, struct ledger *l, struct err *err)
{
	_cleanup_free_ char *top = NULL, *path = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	const struct dirent *e;

	/* Where cgroup v2 is not mounted no stack ever ran. */
	if (cgroup_find_top(&top, NULL, &(struct err){ 0 }) < 0)
		return 0;
	path = xasprintf("%s/%s", top, project);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : err_sys(err, errno, "open cgroup '%s'", path);
	if (enter(l, CGROUP_TOP_KIND, top, err) < 0 || enter(l, CGROUP_KIND, path, err) < 0)
		return -1;
	while ((e = readdir(dir))) {
		_cleanup_free_ char *slot = xasprintf("%s/%s", path, e->d_name);

		if (e->d_type == DT_DIR && e->d_name[0] != '.' &&
		    enter(l, CGROUP_KIND, slot, err) < 0)
			return -1;
	}
	return 1;
}

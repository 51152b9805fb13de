/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * places: where the run-time files of a project lie, and which projects have any. Called from all over sup, and by clients.
 */
#include <dirent.h>
#include <unistd.h>

#include "sup/state.h"

char *sup_project_dir(const char *project)
{
	return xasprintf("%s/%s", path_run_dir(), project);
}

char *sup_ledger_path(const char *project)
{
	return xasprintf("%s/%s/ledger", path_run_dir(), project);
}

char *sup_socket_path(const char *project)
{
	return xasprintf("%s/%s/control", path_run_dir(), project);
}

char **sup_projects(void)
{
	struct VEC(char *) list = { 0 };
	_cleanup_closedir_ DIR *d = opendir(path_run_dir());
	struct dirent *e;

	while (d && (e = readdir(d))) {
		_cleanup_free_ char *ledger = NULL, *control = NULL;

		if (e->d_name[0] == '.')
			continue;
		ledger = sup_ledger_path(e->d_name);
		control = sup_socket_path(e->d_name);
		if (access(ledger, F_OK) == 0 || access(control, F_OK) == 0)
			vec_push(&list, xstrdup(e->d_name));
	}
	vec_push(&list, NULL);
	return list.v;
}

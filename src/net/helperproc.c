/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * helperproc: starts mstack-net, and knows an older one from the one that is installed now. Called by helper.c, which decides when.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mstack/base_program.h"
#include "net/helper.h"
#include "net/helperproc.h"

int helper_spawn(const char *program, int sock, bool outside, bool outlives, pid_t *ret_pid)
{
	char *argv[4] = { (char *)HELPER_NAME };
	char *const env[] = { (char *)"LC_ALL=C.UTF-8", NULL };
	posix_spawn_file_actions_t files;
	int rc, n = 1;

	if (outside)
		argv[n++] = (char *)HELPER_OUTSIDE;
	if (outlives)
		argv[n++] = (char *)HELPER_OUTLIVES;
	posix_spawn_file_actions_init(&files);
	if (posix_spawn_file_actions_adddup2(&files, sock, 0) ||
	    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_RDWR, 0) ||
	    posix_spawn_file_actions_adddup2(&files, 1, 2) ||
	    posix_spawn_file_actions_addchdir_np(&files, "/"))
		rc = ENOMEM;
	else
		/* A Ctrl-C is the supervisor's to answer, who needs it until all have stopped. */
		rc = program_spawn_apart(program, &files, argv, env, ret_pid);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

bool helper_runs(pid_t pid, const char *program)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/exe", (int)pid);
	struct stat runs, there;

	return stat(path, &runs) == 0 && stat(program, &there) == 0 &&
	       runs.st_dev == there.st_dev && runs.st_ino == there.st_ino;
}

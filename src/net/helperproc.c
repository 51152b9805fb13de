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

int helper_spawn(const char *program, int sock, pid_t *ret_pid)
{
	char *const argv[] = { (char *)HELPER_NAME, NULL }, *const env[] = {
		(char *)"LC_ALL=C.UTF-8", NULL
	};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	if (posix_spawn_file_actions_adddup2(&files, sock, 0) ||
	    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_RDWR, 0) ||
	    posix_spawn_file_actions_adddup2(&files, 1, 2) ||
	    posix_spawn_file_actions_addchdir_np(&files, "/") || program_signals(&attr))
		rc = ENOMEM;
	else
		rc = posix_spawn(ret_pid, program, &files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * program: finding and starting the programs beside ours: mstack-store, mstack-fetch, mstack-net. Called by the rooms that
 * have one. And how we ourselves were called, for who executes us anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <unistd.h>

#include "mstack/base_program.h"

#define COMMAND_MAX (4U << 20) /* of a command line */

char *program_find(const char *name, const char *variable)
{
	static const char *const places[] = { "", "/../libexec/mstack", "/../lib/mstack" };
	const char *set = getenv(variable);
	_cleanup_free_ char *self = path_self();

	if (set && *set)
		return xstrdup(set);
	if (!self)
		return NULL;
	dirname(self);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		char *path = xasprintf("%s%s/%s", self, places[i], name);

		if (!access(path, X_OK))
			return path;
		free(path);
	}
	return NULL;
}

static int set_signals(posix_spawnattr_t *attr, short flags)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	return posix_spawnattr_setsigmask(attr, &none) ||
	       posix_spawnattr_setsigdefault(attr, &all) ||
	       posix_spawnattr_setflags(
		       attr, (short)(flags | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
}

static int spawn(const char *program, const posix_spawn_file_actions_t *files, char *const *argv,
		 char *const *env, short flags, pid_t *ret_pid)
{
	posix_spawnattr_t attr;
	int rc;

	posix_spawnattr_init(&attr);
	rc = set_signals(&attr, flags) ? ENOMEM
				       : posix_spawnp(ret_pid, program, files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	return rc;
}

int program_spawn(const char *program, const posix_spawn_file_actions_t *files, char *const *argv,
		  char *const *env, pid_t *ret_pid)
{
	return spawn(program, files, argv, env, 0, ret_pid);
}

int program_spawn_apart(const char *program, const posix_spawn_file_actions_t *files,
			char *const *argv, char *const *env, pid_t *ret_pid)
{
	return spawn(program, files, argv, env, POSIX_SPAWN_SETSID, ret_pid);
}

char **program_words(struct buf *text)
{
	struct VEC(char *) list = { 0 };

	if (file_read(AT_FDCWD, "/proc/self/cmdline", COMMAND_MAX, text) < 0 || !text->len)
		return NULL;
	for (char *p = text->data; p < text->data + text->len; p += strlen(p) + 1)
		vec_push(&list, p);
	vec_push(&list, NULL);
	return list.v;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * programs: finding and starting the two programs of store, mstack-store and mstack-fetch. Called by unpacking.c and
 * fetching.c.
 */
#include <libgen.h>
#include <signal.h>
#include <unistd.h>

#include "store/programs.h"

char *store_program_find(const char *name, const char *variable)
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

int store_program_signals(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	return posix_spawnattr_setsigmask(attr, &none) ||
	       posix_spawnattr_setsigdefault(attr, &all) ||
	       posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

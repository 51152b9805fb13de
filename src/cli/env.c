/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * env: variables of the environment that stand in for options. Called by option and project. The names of compose are
 * honoured, so that scripts made for it go on working; ours win, so that both can be used side by side.
 */
#include "cli/env.h"
#include "mstack/base.h"

const char *cli_env(const char *name)
{
	static const char *const prefixes[] = { "MSTACK_", "COMPOSE_" };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		_cleanup_free_ char *full = xasprintf("%s%s", prefixes[i], name);
		const char *value = getenv(full);

		if (value && *value)
			return value;
	}
	return NULL;
}

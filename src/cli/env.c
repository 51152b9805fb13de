/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * env: variables of the environment that stand in for options. Called by option and project. The names of compose are
 * honoured, so that scripts made for it go on working; ours win, so that both can be used side by side.
 */
#include "cli/env.h"
#include "mstack/base.h"

static const char *value_of(const char *prefix, const char *name)
{
	_cleanup_free_ char *full = xasprintf("%s%s", prefix, name);
	const char *value = getenv(full);

	return value && *value ? value : NULL;
}

const char *cli_env_prefix(const char *name)
{
	static const char *const prefixes[] = { "MSTACK_", "COMPOSE_" };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (value_of(prefixes[i], name))
			return prefixes[i];
	return NULL;
}

const char *cli_env(const char *name)
{
	const char *prefix = cli_env_prefix(name);

	return prefix ? value_of(prefix, name) : NULL;
}

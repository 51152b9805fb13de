/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keyfilter: see keyfilter.h. Called by events_cmd.c, ls.c and ps.c.
 */
#include <string.h>

#include "cli/keyfilter.h"

const char *cli_filter_value(const char *filter, const char *key)
{
	size_t len = strlen(key);

	return !strncmp(filter, key, len) && filter[len] == '=' ? filter + len + 1 : NULL;
}

static bool is_known(const char *filter, const struct cli_filter *known)
{
	for (; known->key; known++) {
		const char *value = cli_filter_value(filter, known->key);

		if (value)
			return *value;
	}
	return false;
}

/* "container=, event= or type=" */
static void add_keys(const struct cli_filter *known, struct buf *b)
{
	for (const struct cli_filter *k = known; k->key; k++)
		buf_printf(b, "%s%s=", k == known ? "" : k[1].key ? ", " : " or ", k->key);
}

int cli_filters_check(const char *command, const struct cli_words *given,
		      const struct cli_filter *known, struct err *err)
{
	_cleanup_(buf_fini) struct buf keys = { 0 };

	for (size_t i = 0; i < given->n; i++) {
		if (is_known(given->v[i], known))
			continue;
		add_keys(known, &keys);
		return err_kind(err, ERR_USAGE, "%s: --filter: '%s': give %s with a value", command,
				given->v[i], buf_str(&keys));
	}
	return 0;
}

bool cli_filters_pass(const struct cli_words *given, const struct cli_filter *known,
		      const json_t *row)
{
	for (; known->key; known++) {
		bool asked = false, holds = false;

		for (size_t i = 0; i < given->n; i++) {
			const char *value = cli_filter_value(given->v[i], known->key);

			asked |= value != NULL;
			holds = holds || (value && known->matches(row, value));
		}
		if (asked && !holds)
			return false;
	}
	return true;
}

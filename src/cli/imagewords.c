/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * imagewords: see imagewords.h. Called by `images` and `image ls`. Looks at no store.
 */
#include <stdio.h>

#include "cli/imagewords.h"

void cli_image_split(const char *name, char **ret_repo, char **ret_tag)
{
	const char *at = name ? strchr(name, '@') : NULL;
	const char *colon = at ? at : name ? strrchr(name, ':') : NULL;
	bool tagged = colon && !strchr(colon, '/') && store_image_form(name) == STORE_NAME;

	*ret_repo = !name    ? xstrdup(IMAGE_NONE)
		    : tagged ? xasprintf("%.*s", (int)(colon - name), name)
			     : xstrdup(name);
	/* The digest has a column of its own. */
	*ret_tag = xstrdup(tagged && !at ? colon + 1 : IMAGE_NONE);
}

void cli_image_since(const char *stamp, char *ret, size_t size)
{
	static const struct {
		uint64_t seconds;
		const char *word;
	} units[] = { { 31536000, "year" }, { 2592000, "month" }, { 604800, "week" },
		      { 86400, "day" },	    { 3600, "hour" },	  { 60, "minute" },
		      { 1, "second" } };
	uint64_t then, age;

	snprintf(ret, size, "N/A");
	if (time_parse_stamp(stamp, &then) < 0 || then > time_wall_ns())
		return;
	age = (time_wall_ns() - then) / 1000000000;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (age >= units[i].seconds) {
			uint64_t n = age / units[i].seconds;

			snprintf(ret, size, "%llu %s%s ago", (unsigned long long)n, units[i].word,
				 n == 1 ? "" : "s");
			return;
		}
	snprintf(ret, size, "now");
}

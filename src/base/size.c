/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * size: bytes as compose files write them and as people read them. Called by the readers of stack
 * files and by tables. Pure: text in, number out.
 */
#include <ctype.h>
#include <stdio.h>

#include "base/number.h"

static const char prefixes[] = "kmgtpe";

/* [kmgtp]? i? b? in any case; how many bits to the left it moves, or -1. */
static int unit_shift(const char *s)
{
	static const char *const tails[] = { "", "b", "i", "ib" };
	const char *prefix = *s ? memchr("kmgtp", tolower((unsigned char)*s), 5) : NULL;

	if (!prefix)
		return *s && strcasecmp(s, "b") ? -1 : 0;
	for (size_t i = 0; i < ARRAY_LEN(tails); i++)
		if (!strcasecmp(s + 1, tails[i]))
			return (int)(strchr(prefixes, *prefix) - prefixes + 1) * 10;
	return -1;
}

int size_parse(const char *s, int64_t *ret)
{
	struct number n;
	int64_t bytes;
	int shift;

	if (!strcmp(s, "-1")) {
		*ret = -1;
		return 0;
	}
	if (number_parse(&s, &n) < 0)
		return -1;
	shift = unit_shift(s + (*s == ' ' && s[1]));
	if (shift < 0 || number_scale(&n, INT64_C(1) << shift, &bytes) < 0)
		return -1;
	/* `mem_limit: 0.5` is no limit of nothing, it is a slip. */
	if (!bytes && (n.whole || n.fraction))
		return -1;
	*ret = bytes;
	return 0;
}

void size_format(uint64_t bytes, char *ret, size_t size)
{
	uint64_t unit = 1024, tenths;
	const char *prefix = prefixes;

	if (bytes < 1024) {
		snprintf(ret, size, "%u B", (unsigned)bytes);
		return;
	}
	/* 1023.96 KiB is shown as 1.0 MiB, not as 1024.0 KiB. */
	for (;; unit <<= 10, prefix++) {
		tenths = (uint64_t)(((unsigned __int128)bytes * 10 + unit / 2) / unit);
		if (tenths < 10240 || !prefix[1])
			break;
	}
	snprintf(ret, size, "%u.%u %ciB", (unsigned)(tenths / 10), (unsigned)(tenths % 10),
		 toupper(*prefix));
}

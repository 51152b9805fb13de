/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * moment: see moment.h. Reads the clock for what is told as "ago"; prints nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/moment.h"

/* Without a zone, and perhaps without a time of the day: as clocks are here, as docker takes it. */
static int parse_local(const char *s, uint64_t *ret_ns)
{
	size_t len = strlen(s);
	_cleanup_free_ char *full = xasprintf("%s%s", s,
					      len == 10	  ? "T00:00:00Z"
					      : len == 16 ? ":00Z"
							  : "Z");
	struct tm tm;
	uint64_t ns;
	time_t at;

	if (time_parse_stamp(full, &ns) < 0)
		return -1;
	at = (time_t)(ns / 1000000000u);
	if (!gmtime_r(&at, &tm))
		return -1;
	tm.tm_isdst = -1;
	at = mktime(&tm);
	if (at < 0)
		return -1;
	*ret_ns = (uint64_t)at * 1000000000u + ns % 1000000000u;
	return 0;
}

int cli_moment_parse(const char *command, const char *option, const char *s, uint64_t *ret_ns,
		     struct err *err)
{
	size_t len = s ? strlen(s) : 0;
	uint64_t now = time_wall_ns();
	int64_t ago;

	if (!s || !time_parse_stamp(s, ret_ns) || !parse_local(s, ret_ns))
		return 0;
	if (len && len < 11 && strspn(s, "0123456789") == len) {
		*ret_ns = strtoull(s, NULL, 10) * 1000000000u;
		return 0;
	}
	if (duration_parse(s, &ago) < 0 || ago < 0 || (uint64_t)ago > now)
		return err_kind(
			err, ERR_USAGE,
			"%s: --%s: '%s' is no time: 2026-01-31T10:00:00Z, 2026-01-31T10:00 or 2026-01-31 (local time), seconds since 1970, or 10m for ten minutes ago",
			command, option, s);
	*ret_ns = now - (uint64_t)ago;
	return 0;
}

void cli_moment_span(uint64_t ms, char *ret, size_t size)
{
	uint64_t s = ms / 1000, min = s / 60, h = min / 60;

	if (ms < 10000 && ms % 1000 / 100)
		snprintf(ret, size, "%" PRIu64 ".%" PRIu64 " s", s, ms % 1000 / 100);
	else if (ms < 100)
		snprintf(ret, size, "%" PRIu64 " ms", ms);
	else if (s < 120)
		snprintf(ret, size, "%" PRIu64 " s", s);
	else if (min < 120)
		snprintf(ret, size, "%" PRIu64 " min", min);
	else if (h < 48 && min % 60)
		snprintf(ret, size, "%" PRIu64 " h %" PRIu64 " min", h, min % 60);
	else if (h < 48)
		snprintf(ret, size, "%" PRIu64 " h", h);
	else
		snprintf(ret, size, "%" PRIu64 " days", h / 24);
}

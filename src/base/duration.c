/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * duration: spans of time as compose files write them and as Go prints them, which is what `config`
 * has to show. Pure: text in, number out.
 */
#include <stdio.h>

#include "base/number.h"

#define US INT64_C(1000)
#define MS (1000 * US)
#define S  (1000 * MS)
#define M  (60 * S)
#define H  (60 * M)

/* Those that a span below a second is printed in. */
enum { UNIT_NS, UNIT_US, UNIT_MS };

static const struct unit {
	const char *name;
	int64_t ns;
} units[] = {
	[UNIT_NS] = { "ns", 1 },
	[UNIT_US] = { "\u00b5s", US },
	[UNIT_MS] = { "ms", MS },
	{ "us", US },
	{ "\u03bcs", US },
	{ "s", S },
	{ "m", M },
	{ "h", H },
	{ "d", 24 * H },
	{ "w", 7 * 24 * H },
};

/* A unit is all that stands before the next number, so `m` is not found in `ms`. */
static const struct unit *take_unit(const char **s)
{
	size_t len = strcspn(*s, "0123456789.");

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (strlen(units[i].name) == len && !memcmp(units[i].name, *s, len)) {
			*s += len;
			return &units[i];
		}
	return NULL;
}

int duration_parse(const char *s, int64_t *ret_ns)
{
	bool negative = *s == '-';
	int64_t total = 0;

	if (*s == '-' || *s == '+')
		s++;
	if (!*s)
		return -1;
	if (!strcmp(s, "0"))
		s++;
	while (*s) {
		const struct unit *unit;
		struct number n;
		int64_t part;

		if (number_parse(&s, &n) < 0 || !(unit = take_unit(&s)) ||
		    number_scale(&n, unit->ns, &part) < 0 ||
		    __builtin_add_overflow(total, part, &total))
			return -1;
	}
	*ret_ns = negative ? -total : total;
	return 0;
}

/* `ns` in units of `unit`, with as many digits behind the point as it needs. */
static void put_fraction(char *ret, size_t size, uint64_t ns, uint64_t unit, const char *name)
{
	char digits[24];
	size_t len;

	snprintf(digits, sizeof(digits), "%09llu",
		 (unsigned long long)(ns % unit * (uint64_t)S / unit));
	len = strlen(digits);
	while (len && digits[len - 1] == '0')
		len--;
	snprintf(ret, size, "%llu%s%.*s%s", (unsigned long long)(ns / unit), len ? "." : "",
		 (int)len, digits, name);
}

void duration_format(int64_t ns, char *ret, size_t size)
{
	uint64_t abs = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	const char *sign = ns < 0 ? "-" : "";
	char seconds[48];

	if (abs && abs < (uint64_t)S) {
		const struct unit *u = &units[UNIT_MS];

		if (abs < (uint64_t)MS)
			u = &units[abs < (uint64_t)US ? UNIT_NS : UNIT_US];
		put_fraction(seconds, sizeof(seconds), abs, (uint64_t)u->ns, u->name);
	} else {
		put_fraction(seconds, sizeof(seconds), abs % (uint64_t)M, (uint64_t)S, "s");
	}
	if (abs >= (uint64_t)H)
		snprintf(ret, size, "%s%lluh%llum%s", sign, (unsigned long long)(abs / (uint64_t)H),
			 (unsigned long long)(abs / (uint64_t)M % 60), seconds);
	else if (abs >= (uint64_t)M)
		snprintf(ret, size, "%s%llum%s", sign, (unsigned long long)(abs / (uint64_t)M),
			 seconds);
	else
		snprintf(ret, size, "%s%s", sign, seconds);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * number: decimal numbers in front of a unit. Called by size.c and duration.c only.
 */
#include "base/number.h"

#define FRACTION_ONE 1000000000000000000ull

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int number_parse(const char **s, struct number *ret)
{
	struct number n = { 0 };
	uint64_t unit = FRACTION_ONE;
	const char *p = *s;

	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(n.whole, 10, &n.whole) ||
		    __builtin_add_overflow(n.whole, (uint64_t)(*p - '0'), &n.whole))
			return -1;
	if (*p == '.')
		for (p++; is_digit(*p); p++) {
			unit /= 10;
			n.fraction += unit * (uint64_t)(*p - '0');
		}
	/* Nothing, or a lone point. */
	if (p == *s || (p == *s + 1 && **s == '.'))
		return -1;
	*s = p;
	*ret = n;
	return 0;
}

int number_scale(const struct number *n, int64_t unit, int64_t *ret)
{
	unsigned __int128 part = (unsigned __int128)n->fraction * (uint64_t)unit / FRACTION_ONE;
	int64_t whole;

	if (__builtin_mul_overflow(n->whole, unit, &whole) ||
	    __builtin_add_overflow(whole, (int64_t)part, &whole))
		return -1;
	*ret = whole;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nearest: the one of a list of names that was probably meant. Called where a word of the user is
 * not known: keys, commands, options, services. Pure.
 */
#include "mstack/base.h"

#define LONGEST 63

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Edits between words: insert, delete, replace, and swap of neighbours, the commonest slip. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	uint8_t rows[3][LONGEST + 1];
	uint8_t *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= nb; j++)
		last[j] = (uint8_t)j;
	for (size_t i = 1; i <= na; i++) {
		uint8_t *oldest = before;

		row[0] = (uint8_t)i;
		for (size_t j = 1; j <= nb; j++) {
			row[j] = (uint8_t)min3(last[j] + 1u, row[j - 1] + 1u,
					       last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = last;
		last = row;
		row = oldest;
	}
	return last[nb];
}

const char *nearest_name(const char *s, const char *const *names, size_t n)
{
	size_t len = strnlen(s, LONGEST + 1);
	unsigned best = (unsigned)len / 3 + 1;
	const char *found = NULL;

	if (len > LONGEST)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t other = strnlen(names[i], LONGEST + 1);
		unsigned d;

		/* A difference in length is a distance already. */
		if (other > LONGEST || other >= len + best || len >= other + best)
			continue;
		d = distance(s, len, names[i], other);
		if (d < best) {
			best = d;
			found = names[i];
		}
	}
	return found;
}

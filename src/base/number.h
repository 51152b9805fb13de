/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * number: a decimal number without sign in front of a unit, shared by sizes and durations. Exact:
 * no floating point, so that 0.1s is 100 ms and 1.1g the same on every machine.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include "mstack/base.h"

struct number {
	uint64_t whole;
	uint64_t fraction; /* in parts of 10^18; digits behind the 18th are read over */
};

/* Reads `12`, `1.5`, `.5`, `5.` and moves *s behind it. 0 or -1 (no digit, over 64 bits). */
int number_parse(const char **s, struct number *ret);
/* The number times `unit`, cut to a whole one. 0, or -1 when it does not fit. */
int number_scale(const struct number *n, int64_t unit, int64_t *ret);

#endif

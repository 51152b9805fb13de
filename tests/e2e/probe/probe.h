/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe: a program that tries, inside of a container, everything that the default one must refuse. Each attempt runs in
 * a process of its own. tests/e2e/probe.bats builds it without libraries and runs it as a service and as a health check.
 */
#ifndef TESTS_PROBE_H
#define TESTS_PROBE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* What an attempt returns. Whatever the errno was, a refusal is a refusal. */
#define REFUSED false
#define THROUGH true

struct attempt {
	const char *name;
	bool (*try)(void);
};

/* Ended by a row without a name. */
extern const struct attempt attempts_calls[], attempts_files[], attempts_rights[];

/* Says for an attempt that tries many things which of them was let through; returns THROUGH. */
bool let_through(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keyfilter: --filter KEY=VALUE, as docker has it: of the same key any one will do, and every key that is given has to hold.
 */
#ifndef CLI_KEYFILTER_H
#define CLI_KEYFILTER_H

#include <jansson.h>

#include "cli/option.h"

/* A key that a command knows. Tables end with one without a key. */
struct cli_filter {
	const char *key;
	bool (*matches)(const json_t *row, const char *value);
};

/* 0, or -1 (ERR_USAGE) for the first of `given` that has no key of the table, or no value. */
int cli_filters_check(const char *command, const struct cli_words *given, const struct cli_filter *known, struct err *err);
bool cli_filters_pass(const struct cli_words *given, const struct cli_filter *known, const json_t *row);
/* The value, when the filter is of this key; else NULL. */
const char *cli_filter_value(const char *filter, const char *key);

#endif

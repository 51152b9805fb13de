/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * meter: what a container uses, in the words of `docker stats`. Pure.
 */
#ifndef CLI_METER_H
#define CLI_METER_H

#include <jansson.h>

#include "mstack/box.h"

/* Processor time at a moment: two of them make a rate. */
struct cli_meter {
	char *slot;
	pid_t pid; /* of its PID 1: another run is another count */
	uint64_t cpu_us, at_ns;
};

/*
 * Puts the keys of `docker stats --format json` into `row`, and raw numbers beside them; `--` and null for what is not known. `usage`
 * NULL: the container does not run. `before` and `now` are of the same run, or `before` is NULL.
 */
void cli_meter_show(json_t *row, const struct box_usage *usage, const struct cli_meter *before,
		    const struct cli_meter *now);
/* 1536 -> "1.5KiB", as docker writes memory; and 1500 -> "1.5kB", as it writes traffic. */
void cli_meter_binary(uint64_t bytes, char *ret, size_t size);
void cli_meter_decimal(uint64_t bytes, char *ret, size_t size);

#endif

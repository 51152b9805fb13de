/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * moment: points in time on the command line and in sentences. Used by logs, events and why.
 */
#ifndef CLI_MOMENT_H
#define CLI_MOMENT_H

#include "mstack/base.h"

/*
 * A stamp, one without its zone (local time), then also without its seconds or its time of the day, seconds since 1970, or a duration that is
 * counted back from now. NULL leaves *ret_ns as it is.
 */
int cli_moment_parse(const char *command, const char *option, const char *s, uint64_t *ret_ns,
		     struct err *err);
/* How long something took or is ago, as people say it: "0.3 s", "12 s", "3 min", "2 h 5 min", "4 days". */
void cli_moment_span(uint64_t ms, char *ret, size_t size);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * servicename: the services that a command line names: those of the file, and those that are there though the file does not have them
 * (any more). One that is neither is wrong usage, for every command.
 */
#ifndef CLI_SERVICENAME_H
#define CLI_SERVICENAME_H

#include <jansson.h>

#include "cli/project.h"

/* -1, with the error: there is no such service. `others` is what may have been meant beside those of `stack`; both may be NULL. */
int cli_services_none(const char *command, const char *service, const struct cli_project *p,
		      const struct cli_words *others, struct err *err);
/* Are all of the command line in the file, or in `rows` (of cli_slots; may be NULL)? 0, or -1 as above. */
int cli_services_check(const struct cli_options *o, const struct cli_project *p, const json_t *rows,
		       const char *command, struct err *err);

#endif

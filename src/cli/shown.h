/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shown: whose log `up` shows in the foreground, whether it has started the stack itself or looks on at one that runs.
 */
#ifndef CLI_SHOWN_H
#define CLI_SHOWN_H

#include "cli/option.h"
#include "mstack/stack.h"

/* By --attach, --no-attach, --attach-dependencies, the services that were named, and `attach` in the file. The service may be in no file any more. */
bool cli_shows(const struct cli_options *o, const struct stack *stack, const char *service);

#endif

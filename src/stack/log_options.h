/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log_options: what the options of logging drivers mean. Pure; asked by form_logging, which complains, and by model_logging.
 */
#ifndef STACK_LOG_OPTIONS_H
#define STACK_LOG_OPTIONS_H

#include "mstack/stack_logging.h"

/* `json-file` and the others; -1: one that is not known. */
int log_driver(const char *name);
/* Each reads a value into its field of `ret`. NULL, or what is wrong with it, in words. Texts live as long as `arena`. */
const char *log_option(struct arena *arena, const char *name, const char *value,
		       struct stack_logging *ret);
/* Is there an option of this name for the driver that has a meaning here? */
bool log_option_known(enum stack_log_driver driver, const char *name);

#endif

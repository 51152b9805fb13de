/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dotenv: the text of an .env file, an --env-file or an env_file. Called by load, include and the forms of the environment. */
#ifndef STACK_DOTENV_H
#define STACK_DOTENV_H

#include "stack/vars.h"

#define DOTENV_FILE_MAX (1u << 20)

/*
 * Puts the file's variables into `into`. References see the project's environment, then `service` (may be NULL), then what
 * is in `into`. A key without `=` takes the project's value, if any. Problems go to diags; the first one ends the file.
 */
void dotenv_parse(struct vars *vars, const struct envset *service, uint32_t file, const char *text, size_t len,
		  struct envset *into);
/* `format: raw`: each value is all that stands behind the `=`, with its quotes and dollar signs. */
void dotenv_parse_raw(struct vars *vars, uint32_t file, const char *text, size_t len, struct envset *into);

#endif

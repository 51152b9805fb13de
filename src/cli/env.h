/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * env: variables of the environment that stand in for options.
 */
#ifndef CLI_ENV_H
#define CLI_ENV_H

/* MSTACK_name, else COMPOSE_name; NULL when neither is set to something. The text is the environment's. */
const char *cli_env(const char *name);
/* Which of the two it is: what stands before the name. NULL when neither is set to something. */
const char *cli_env_prefix(const char *name);

#endif

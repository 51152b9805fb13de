/* SPDX-License-Identifier: GPL-2.0-or-later */
/* storecmd: what `mstack image` and `mstack volume` have in common. */
#ifndef CLI_STORECMD_H
#define CLI_STORECMD_H

#include "cli/option.h"
#include "mstack/store.h"

struct cli_sub {
	const char *word;
	int (*run)(struct store *s, const struct cli_options *o, struct err *err);
};

/* Opens the store and runs the one that the first argument names; `known` is the list of them for people. */
int cli_store_run(const char *command, const char *known, const struct cli_sub *subs, size_t n,
		  const struct cli_options *o, struct err *err);
/* Before something goes: what `-f` says, or the answer to "This removes WHAT. Go on?". False: err says that nothing was removed. */
bool cli_store_confirmed(const char *command, const char *what, const struct cli_options *o, struct err *err);

#endif

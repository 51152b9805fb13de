/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * execwant: who a command of `exec` runs as and with what, for one container: the words of the command line, looked up there.
 */
#ifndef CLI_EXECWANT_H
#define CLI_EXECWANT_H

#include "cli/container.h"
#include "cli/execenv.h"

struct execwant {
	struct store_user user;
	struct box_user ids;
	struct execenv env;
	struct cli_words argv;
	struct box_enter_spec spec; /* borrows from the rest, which therefore must not move */
};

/*
 * `words` is the command, `who` what it is called in errors. The terminal of w->spec is set before, and nothing else of it: a
 * command with one is told which. execwant_fini in any case.
 */
int execwant_make(struct execwant *w, const struct cli_options *o, const struct box_running *r, const char *who,
		  const char *const *words, size_t n, struct err *err);
void execwant_fini(struct execwant *w);

/* What needs no container to be seen as wrong. */
int execwant_check(const struct cli_options *o, struct err *err);

#endif

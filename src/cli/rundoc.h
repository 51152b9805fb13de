/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rundoc: what `run` was told by options, as a stack document: a whole one for an image, or one that goes over the service of a
 * file. So every value is understood and checked by the room that knows it, and a problem names the option.
 */
#ifndef CLI_RUNDOC_H
#define CLI_RUNDOC_H

#include "cli/option.h"
#include "mstack/stack.h"

struct rundoc {
	struct buf text;
	struct VEC(const char *) labels; /* of its lines */
	char *dir;			 /* where we are: paths on the command line begin there */
	struct stack_text stack;	 /* of these, for stack_load */
};

/*
 * `tty`: there is a terminal, and somebody at it. `service`: its name; `cmd`: its command, n words. With o->image or o->rootfs the document is whole, and the container is called
 * `container`. 0 or -1; rundoc_fini in either case.
 */
int rundoc_make(struct rundoc *d, const struct cli_options *o, bool tty, const char *service, const char *container,
		const char *const *cmd, size_t n, struct err *err);
void rundoc_fini(struct rundoc *d);

#endif

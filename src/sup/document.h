/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * document: a stack as one process hands it to another: its canonical form as JSON and the environment that goes with it, in memory that
 * only the two of them have. What was read once is not looked for again.
 */
#ifndef SUP_DOCUMENT_H
#define SUP_DOCUMENT_H

#include "mstack/stack.h"

struct sup_document {
	struct stack *stack;
	struct stack_diags *diags;
	int copy; /* of the whole, which nobody else can write to */
};

/* From what sup_document made. NULL on error. The descriptor stays the caller's. */
struct sup_document *sup_document_read(int fd, struct err *err);
void sup_document_free(struct sup_document *d);

#endif

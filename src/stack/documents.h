/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * documents: a file of the stack format, read and parsed, not yet interpolated; env files of a project. Called by load,
 * assemble and extends.
 */
#ifndef STACK_DOCUMENTS_H
#define STACK_DOCUMENTS_H

#include "stack/reader.h"

/* 0: appended to docs, or it was complained about in the diagnostics; -1: the file cannot be read. */
int documents_read(struct reader *r, const struct context *c, const char *path,
		   struct node_items *docs, struct err *err);
/* The same for a text that stands in no file. */
void documents_read_text(struct reader *r, const struct context *c, const struct stack_text *text,
			 struct node_items *docs);
/* Into the variables of the context. 0, also when the file is not there and need not be; -1: it cannot be read. */
int documents_read_env(struct reader *r, const struct context *c, const char *path, bool required,
		       struct err *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag: what the stack room itself needs of the collected problems, beside the public functions: the texts of the
 * files, from which the offending line is shown. Called by every part that reads.
 */
#ifndef STACK_DIAG_H
#define STACK_DIAG_H

#include "mstack/stack.h"
#include "stack/node.h"

/* Keeps a copy of a file's text for printing. Returns its number, for struct stack_pos. */
uint32_t diags_add_file(struct stack_diags *d, const char *path, const char *text, size_t len);
void diags_vadd(struct stack_diags *d, enum stack_severity severity, struct stack_pos pos, const char *hint,
		const char *fmt, va_list ap);
/* What the command line names is wrong, not a file. */
void diags_add_words(struct stack_diags *d, const char *hint, const char *fmt, ...) MSTACK_PRINTF(3, 4);
/* That copy, which lives as long as d: large files are not kept twice. */
const char *diags_text(const struct stack_diags *d, uint32_t file);
/* The same for a text that stands in no file. */
uint32_t diags_add_text(struct stack_diags *d, const struct stack_text *text);
/* What a problem at this place is told by in place of file and line; NULL: it is in a file, or has no place. */
const char *diags_label(const struct stack_diags *d, struct stack_pos pos);
void diags_set_told(struct stack_diags *d);
/* The file of a place; NULL: it has none. */
const struct stack_file *diags_file(const struct stack_diags *d, struct stack_pos pos);
/*
 * From now on, and also afterwards: any problem at this place says where the variables of the value came from. The uses must live
 * as long as problems are added.
 */
void diags_set_uses(struct stack_diags *d, struct stack_pos pos, const struct node_use *uses, size_t n);
/* `file:line` of a place, for texts that name a second one. Valid until the next call with the same buffer. */
const char *diags_place(const struct stack_diags *d, struct stack_pos pos, struct buf *scratch);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag: what the stack room itself needs of the collected problems, beside the public functions: the texts of the
 * files, from which the offending line is shown. Called by every part that reads.
 */
#ifndef STACK_DIAG_H
#define STACK_DIAG_H

#include "mstack/stack.h"

/* Keeps a copy of a file's text for printing. Returns its number, for struct stack_pos. */
uint32_t diags_add_file(struct stack_diags *d, const char *path, const char *text, size_t len);
void diags_vadd(struct stack_diags *d, enum stack_severity severity, struct stack_pos pos, const char *hint,
		const char *fmt, va_list ap);
/* `file:line` of a place, for texts that name a second one. Valid until the next call with the same buffer. */
const char *diags_place(const struct stack_diags *d, struct stack_pos pos, struct buf *scratch);

#endif

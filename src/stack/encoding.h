/* SPDX-License-Identifier: GPL-2.0-or-later */
/* encoding: what bytes may begin a text file. Called by yaml and dotenv before they look at a line. */
#ifndef STACK_ENCODING_H
#define STACK_ENCODING_H

#include "mstack/stack.h"

/*
 * The text without a mark of UTF-8 before it; *len is what remains. NULL, with an error in diags, when it is UTF-16 or holds
 * a NUL byte: what comes of these would be shown at the wrong place, or cut off.
 */
const char *encoding_text(struct stack_diags *diags, uint32_t file, const char *text, size_t *len);
/* The place of a byte: columns count characters. */
struct stack_pos encoding_place(uint32_t file, const char *text, size_t offset);

/* Finds characters by their number, quickly as long as the numbers grow. Set text, len and file, the rest is 0. */
struct encoding_cursor {
	const char *text;
	size_t len, index, offset;
	uint32_t file, line, col;	/* line and col from 0 */
};
struct stack_pos encoding_find(struct encoding_cursor *c, size_t index);
/* Do only \n and \r\n end lines? YAML knows more line ends, editors do not. */
bool encoding_plain_lines(const char *text, size_t len);

#endif

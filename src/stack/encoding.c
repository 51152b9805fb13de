/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * encoding: marks at the start of a text, UTF-16 and NUL bytes. Called by yaml and dotenv. It looks
 * for what editors of other systems write, and does not judge UTF-8 itself.
 */
#include "stack/encoding.h"

#define SAVE_AS_UTF8 "save the file as UTF-8"

/* By the mark, or by the NUL that is one half of each ASCII character. */
static bool is_utf16(const char *text, size_t len)
{
	if (len < 2)
		return false;
	return !memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2) || !text[0] != !text[1];
}

struct stack_pos encoding_place(uint32_t file, const char *text, size_t offset)
{
	struct stack_pos pos = { file, 1, 1 };

	for (size_t i = 0; i < offset; i++)
		if (text[i] == '\n') {
			pos.line++;
			pos.col = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			pos.col++;
		}
	return pos;
}

struct stack_pos encoding_find(struct encoding_cursor *c, size_t index)
{
	if (index < c->index)
		c->index = c->offset = c->line = c->col = 0;
	for (; c->index < index && c->offset < c->len; c->index++) {
		bool line_end = c->text[c->offset] == '\n';

		for (c->offset++;
		     c->offset < c->len && ((unsigned char)c->text[c->offset] & 0xc0) == 0x80;)
			c->offset++;
		c->line += line_end;
		c->col = line_end ? 0 : c->col + 1;
	}
	return (struct stack_pos){ c->file, c->line + 1, c->col + 1 };
}

bool encoding_plain_lines(const char *text, size_t len)
{
	static const char *const odd[] = { "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9" };
	const char *s = text, *end = text + len;

	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		if (memmem(text, len, odd[i], strlen(odd[i])))
			return false;
	while ((s = memchr(s, '\r', (size_t)(end - s)))) {
		s++;
		if (s == end || *s != '\n')
			return false;
	}
	return true;
}

const char *encoding_text(struct stack_diags *diags, uint32_t file, const char *text, size_t *len)
{
	const char *nul;

	if (is_utf16(text, *len)) {
		stack_diag_add(diags, STACK_ERROR, (struct stack_pos){ file, 1, 1 }, SAVE_AS_UTF8,
			       "UTF-16 text: only UTF-8 is read");
		return NULL;
	}
	if (*len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		*len -= 3;
	}
	nul = memchr(text, '\0', *len);
	if (!nul)
		return text;
	stack_diag_add(diags, STACK_ERROR, encoding_place(file, text, (size_t)(nul - text)), NULL,
		       "a NUL byte: this is not a text file");
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag_print: problems as `file:line:col: error: text` with the line and a caret, and as lines of
 * JSON. Called by cli. It prints into a buffer only. Bytes of the file never reach a terminal as
 * they are: what controls, turns or hides text is shown as `?`.
 */
#include <stdio.h>
#include <wchar.h>

#include "stack/diag.h"
#include "stack/emitter.h"
#include "stack/utf8.h"

#define PRINTED_ERRORS_MAX   20
#define LINE_MAX_COLUMNS     110
#define COLUMNS_BEFORE_CARET 60

/* ---- text ------------------------------------------------------------------------------------ */

/* The bytes of what stands at `s`: a character, or what is none up to the next one. */
static size_t step(const char *s, const char *end, uint32_t *ret)
{
	size_t len = utf8_decode(s, ret);

	if (len && len <= (size_t)(end - s))
		return len;
	*ret = 0;
	for (len = 1; s + len < end && ((unsigned char)s[len] & 0xc0) == 0x80;)
		len++;
	return len;
}

static void put_clean(struct buf *out, const char *s, size_t len)
{
	const char *end = s + len;
	uint32_t c;

	while (s < end) {
		size_t n = step(s, end, &c);

		if (c == '\t')
			buf_putc(out, ' ');
		else if (utf8_is_hidden(c))
			buf_putc(out, '?');
		else
			buf_add(out, s, n);
		s += n;
	}
}

/* Columns of a terminal that the character takes once it is clean. */
static int width_of(uint32_t c)
{
	int width = c < 0x80 || utf8_is_hidden(c) ? 1 : wcwidth((wchar_t)c);

	return width < 0 ? 1 : width;
}

/* ---- the line -------------------------------------------------------------------------------- */

static const char *find_line(const struct stack_file *file, uint32_t line, size_t *ret_len)
{
	const char *s = file->text, *end = file->text + file->len, *eol;

	for (; line > 1 && s < end; line--) {
		s = memchr(s, '\n', (size_t)(end - s));
		s = s ? s + 1 : end;
	}
	eol = memchr(s, '\n', (size_t)(end - s));
	*ret_len = (size_t)((eol ? eol : end) - s);
	if (*ret_len && s[*ret_len - 1] == '\r')
		(*ret_len)--;
	return s;
}

/* The line, cut on both sides when it is long, and a caret below the column. */
static void put_excerpt(struct buf *out, const struct stack_file *file, struct stack_pos pos)
{
	size_t len, column = 1, shown = 0;
	const char *s = find_line(file, pos.line, &len), *end = s + len, *from;
	bool cut = pos.col > LINE_MAX_COLUMNS - 20;
	int before = cut ? 5 : 2;
	uint32_t c;

	if (!len)
		return;
	for (; cut && column + COLUMNS_BEFORE_CARET < pos.col && s < end; column++)
		s += step(s, end, &c);
	for (from = s; s < end && shown < LINE_MAX_COLUMNS; shown++, column++) {
		s += step(s, end, &c);
		before += column < pos.col ? width_of(c) : 0;
	}
	before += column < pos.col ? (int)(pos.col - column) : 0;
	buf_puts(out, cut ? "  ..." : "  ");
	put_clean(out, from, (size_t)(s - from));
	buf_puts(out, s < end ? "...\n" : "\n");
	buf_printf(out, "%*s^\n", before, "");
}

/* ---- a problem ------------------------------------------------------------------------------- */

static void put_remark(struct buf *out, const char *what, const char *text)
{
	if (!text)
		return;
	buf_printf(out, "  %s: ", what);
	put_clean(out, text, strlen(text));
	buf_putc(out, '\n');
}

static void put_diag(struct buf *out, const struct stack_diags *d, const struct stack_diag *diag,
		     bool colour)
{
	const struct stack_file *file = diags_file(d, diag->pos);
	bool error = diag->severity == STACK_ERROR;

	if (file) {
		put_clean(out, file->path, strlen(file->path));
		buf_printf(out, ":%u:%u: ", diag->pos.line, diag->pos.col);
	}
	buf_printf(out, "%s%s:%s ",
		   !colour ? ""
		   : error ? "\033[1;31m"
			   : "\033[1;33m",
		   error ? "error" : "warning", colour ? "\033[0m" : "");
	put_clean(out, diag->text, strlen(diag->text));
	buf_putc(out, '\n');
	if (file)
		put_excerpt(out, file, diag->pos);
	put_remark(out, "note", diag->source);
	put_remark(out, "hint", diag->hint);
}

static void put_all(struct buf *out, const struct stack_diags *d, bool colour, bool only_new)
{
	size_t errors = 0, all = stack_diags_errors(d), put = 0;

	for (size_t i = 0; i < stack_diags_count(d); i++) {
		const struct stack_diag *diag = stack_diags_get(d, i);

		if ((diag->severity == STACK_ERROR && errors++ >= PRINTED_ERRORS_MAX) ||
		    (only_new && diag->told))
			continue;
		put_diag(out, d, diag, colour);
		put++;
	}
	if (all > PRINTED_ERRORS_MAX && put)
		buf_printf(out, "and %zu more errors\n", all - PRINTED_ERRORS_MAX);
}

void stack_diags_print(const struct stack_diags *d, bool colour, struct buf *out)
{
	put_all(out, d, colour, false);
}

void stack_diags_tell(struct stack_diags *d, bool colour, struct buf *out)
{
	if (out)
		put_all(out, d, colour, true);
	diags_set_told(d);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void put_member(struct buf *out, const char *name, const char *text)
{
	if (!text)
		return;
	buf_printf(out, ",\"%s\":", name);
	emit_string(out, text, false);
}

void stack_diags_json(const struct stack_diags *d, struct buf *out)
{
	for (size_t i = 0; i < stack_diags_count(d); i++) {
		const struct stack_diag *diag = stack_diags_get(d, i);
		const struct stack_file *file = diags_file(d, diag->pos);

		buf_printf(out, "{\"severity\":\"%s\"",
			   diag->severity == STACK_ERROR ? "error" : "warning");
		if (file) {
			put_member(out, "file", file->path);
			buf_printf(out, ",\"line\":%u,\"column\":%u", diag->pos.line,
				   diag->pos.col);
		}
		put_member(out, "message", diag->text);
		put_member(out, "hint", diag->hint);
		put_member(out, "source", diag->source);
		buf_puts(out, "}\n");
	}
}

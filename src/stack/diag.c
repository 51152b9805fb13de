/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag: collects problems with their places and prints them as `file:line:col: error: text` with
 * the line and a caret. Called by all of the room and, through the public header, by plan and cli.
 * It prints into a buffer only. Bytes of the file never reach a terminal as they are: control bytes
 * are shown as `?`.
 */
#include <stdio.h>

#include "stack/diag.h"

#define KEPT_MAX	     1000 /* a file with more problems than that is not a stack file */
#define PRINTED_ERRORS_MAX   20
#define LINE_MAX_COLUMNS     110
#define COLUMNS_BEFORE_CARET 60

struct source {
	char *path, *text;
	size_t len;
};

struct stack_diags {
	struct VEC(struct stack_diag) diags; /* sorted by place */
	struct VEC(struct source) sources;
	size_t n_errors;
};

struct stack_diags *stack_diags_new(void)
{
	return xcalloc(1, sizeof(struct stack_diags));
}

void stack_diags_free(struct stack_diags *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->diags.n; i++) {
		free(d->diags.v[i].text);
		free(d->diags.v[i].hint);
	}
	for (size_t i = 0; i < d->sources.n; i++) {
		free(d->sources.v[i].path);
		free(d->sources.v[i].text);
	}
	vec_fini(&d->diags);
	vec_fini(&d->sources);
	free(d);
}

size_t stack_diags_errors(const struct stack_diags *d)
{
	return d->n_errors;
}

size_t stack_diags_count(const struct stack_diags *d)
{
	return d->diags.n;
}

const struct stack_diag *stack_diags_get(const struct stack_diags *d, size_t i)
{
	return &d->diags.v[i];
}

uint32_t diags_add_file(struct stack_diags *d, const char *path, const char *text, size_t len)
{
	struct source s = { .path = xstrdup(path), .text = xcalloc(len + 1, 1), .len = len };

	memcpy(s.text, text, len);
	vec_push(&d->sources, s);
	return (uint32_t)d->sources.n - 1;
}

/* ---- adding ---------------------------------------------------------------------------------- */

/* Problems without a place come first. */
static bool is_after(struct stack_pos a, struct stack_pos b)
{
	if (!a.line || !b.line)
		return a.line && !b.line;
	if (a.file != b.file)
		return a.file > b.file;
	return a.line != b.line ? a.line > b.line : a.col > b.col;
}

/* Counted even when it is not kept: a thousand and one problems are still no stack. */
void diags_vadd(struct stack_diags *d, enum stack_severity severity, struct stack_pos pos,
		const char *hint, const char *fmt, va_list ap)
{
	struct stack_diag diag = { .severity = severity, .pos = pos };
	struct buf text = { 0 };
	size_t i;

	d->n_errors += severity == STACK_ERROR;
	if (d->diags.n >= KEPT_MAX)
		return;
	buf_vprintf(&text, fmt, ap);
	diag.text = buf_take(&text);
	diag.hint = hint ? xstrdup(hint) : NULL;
	vec_push(&d->diags, diag);
	/* Files are mostly read from top to bottom, so the place is found after a step or two. */
	for (i = d->diags.n - 1; i > 0 && is_after(d->diags.v[i - 1].pos, pos); i--)
		d->diags.v[i] = d->diags.v[i - 1];
	d->diags.v[i] = diag;
}

void stack_diag_add(struct stack_diags *d, enum stack_severity severity, struct stack_pos pos,
		    const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diags_vadd(d, severity, pos, hint, fmt, ap);
	va_end(ap);
}

const char *diags_place(const struct stack_diags *d, struct stack_pos pos, struct buf *scratch)
{
	scratch->len = 0;
	buf_printf(scratch, "%s:%u", pos.file < d->sources.n ? d->sources.v[pos.file].path : "?",
		   pos.line);
	return scratch->data;
}

/* ---- printing -------------------------------------------------------------------------------- */

static void put_clean(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		/* U+0080 to U+009F are control characters as well, two bytes each. */
		bool c1 = c == 0xc2 && i + 1 < len && (unsigned char)s[i + 1] < 0xa0;

		buf_putc(out, c < 0x20 || c == 0x7f || c1 ? (c == '\t' ? ' ' : '?') : s[i]);
		i += c1;
	}
}

/* One column further: UTF-8 continuation bytes belong to the character before them. */
static const char *next_char(const char *s, const char *end)
{
	for (s++; s < end && ((unsigned char)*s & 0xc0) == 0x80;)
		s++;
	return s;
}

static const char *find_line(const struct source *src, uint32_t line, size_t *ret_len)
{
	const char *s = src->text, *end = src->text + src->len, *eol;

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
static void put_excerpt(struct buf *out, const struct source *src, struct stack_pos pos)
{
	size_t len, column = 1, shown = 0;
	const char *s = find_line(src, pos.line, &len), *end = s + len, *from;
	bool cut = pos.col > LINE_MAX_COLUMNS - 20;

	if (!len)
		return;
	for (; cut && column + COLUMNS_BEFORE_CARET < pos.col && s < end; column++)
		s = next_char(s, end);
	for (from = s; s < end && shown < LINE_MAX_COLUMNS; shown++)
		s = next_char(s, end);
	buf_puts(out, cut ? "  ..." : "  ");
	put_clean(out, from, (size_t)(s - from));
	buf_puts(out, s < end ? "...\n" : "\n");
	buf_printf(out, "%*s^\n", (int)(pos.col - column + (cut ? 5 : 2)), "");
}

static void put_diag(struct buf *out, const struct stack_diags *d, const struct stack_diag *diag,
		     bool colour)
{
	const struct source *src = diag->pos.line && diag->pos.file < d->sources.n
					   ? &d->sources.v[diag->pos.file]
					   : NULL;
	bool error = diag->severity == STACK_ERROR;

	if (src) {
		put_clean(out, src->path, strlen(src->path));
		buf_printf(out, ":%u:%u: ", diag->pos.line, diag->pos.col);
	}
	buf_printf(out, "%s%s:%s ",
		   !colour ? ""
		   : error ? "\033[1;31m"
			   : "\033[1;33m",
		   error ? "error" : "warning", colour ? "\033[0m" : "");
	put_clean(out, diag->text, strlen(diag->text));
	buf_putc(out, '\n');
	if (src)
		put_excerpt(out, src, diag->pos);
	if (diag->hint) {
		buf_puts(out, "  hint: ");
		put_clean(out, diag->hint, strlen(diag->hint));
		buf_putc(out, '\n');
	}
}

void stack_diags_print(const struct stack_diags *d, bool colour, struct buf *out)
{
	size_t errors = 0;

	for (size_t i = 0; i < d->diags.n; i++) {
		bool error = d->diags.v[i].severity == STACK_ERROR;

		if (!error || errors++ < PRINTED_ERRORS_MAX)
			put_diag(out, d, &d->diags.v[i], colour);
	}
	if (d->n_errors > PRINTED_ERRORS_MAX)
		buf_printf(out, "and %zu more errors\n", d->n_errors - PRINTED_ERRORS_MAX);
}

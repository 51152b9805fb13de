/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dotenv: the grammar of env files as compose reads them: `export`, three kinds of values (bare,
 * 'literal', "with escapes and variables"), comments, values over several lines. Called with a text
 * in memory; opens nothing.
 */
#include <ctype.h>

#include "stack/diag.h"
#include "stack/dotenv.h"

/* The key that is being read. */
struct entry {
	const char *key;
	struct stack_pos pos;
};

struct reading {
	struct vars *vars;
	const struct envset *service;
	struct envset *into;
	const char *s, *end, *line_start;
	struct stack_pos pos; /* of the line that s is in */
	bool failed;
};

static struct stack_pos here(const struct reading *r)
{
	struct stack_pos pos = { r->pos.file, r->pos.line, 1 };

	for (const char *s = r->line_start; s < r->s; s++)
		pos.col += ((unsigned char)*s & 0xc0) != 0x80;
	return pos;
}

static void MSTACK_PRINTF(3, 4) fail(struct reading *r, struct stack_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diags_vadd(r->vars->diags, STACK_ERROR, pos, NULL, fmt, ap);
	va_end(ap);
	r->failed = true;
}

static bool at(const struct reading *r, char c)
{
	return r->s < r->end && *r->s == c;
}

static void skip_blanks(struct reading *r)
{
	while (at(r, ' ') || at(r, '\t'))
		r->s++;
}

/* Only quoted values and blank lines go over line ends; all else stops at one. */
static void step(struct reading *r)
{
	if (*r->s++ == '\n') {
		r->pos.line++;
		r->line_start = r->s;
	}
}

static void skip_line(struct reading *r)
{
	while (r->s < r->end && *r->s != '\n')
		r->s++;
}

/* ---- values ---------------------------------------------------------------------------------- */

static void put_text(struct reading *r, const struct entry *e, const char *text, size_t len)
{
	const struct envset *more[] = { r->into, NULL, NULL };
	_cleanup_(buf_fini) struct buf why = { 0 };
	const char *value;

	if (r->service) {
		more[0] = r->service;
		more[1] = r->into;
	}
	value = vars_expand(r->vars, more, e->pos, text, len, &why);
	if (value)
		envset_put(r->into, (struct stack_kv){ e->key, value, e->pos });
	else
		fail(r, e->pos, "'%.80s': %s", e->key, buf_str(&why));
}

/*
 * Literal: put through the expansion with its dollars doubled, so that all values are counted at
 * one place.
 */
static void read_single(struct reading *r, const struct entry *e, struct buf *text)
{
	struct stack_pos start = here(r);

	for (r->s++; r->s < r->end && *r->s != '\''; step(r)) {
		if (*r->s == '\\' && r->s + 1 < r->end && r->s[1] == '\'')
			r->s++;
		if (*r->s == '$')
			buf_putc(text, '$');
		buf_putc(text, *r->s);
	}
	if (r->s == r->end)
		fail(r, start, "'%.80s': the single quote that begins here is never closed",
		     e->key);
	else
		r->s++;
}

/* What stands behind a backslash; false: nothing that is known, the backslash stays. */
static bool read_escape(struct reading *r, struct buf *text)
{
	static const char from[] = "abfnrtv\\\"", to[] = "\a\b\f\n\r\t\v\\\"";
	const char *known = r->s + 1 < r->end ? memchr(from, r->s[1], sizeof(from) - 1) : NULL;
	unsigned value = 0, digits = 0;

	if (known) {
		buf_putc(text, to[known - from]);
		r->s++;
		return true;
	}
	if (r->s + 1 < r->end && r->s[1] == '$') {
		buf_puts(text, "$$");
		r->s++;
		return true;
	}
	if (r->s + 1 == r->end || r->s[1] != '0')
		return false;
	for (r->s++; digits < 3 && r->s + 1 < r->end && r->s[1] >= '0' && r->s[1] <= '7'; digits++)
		value = value * 8 + (unsigned)(*++r->s - '0');
	if (!value || value > 255)
		fail(r, here(r), "an escape that stands for no byte, or for NUL");
	buf_putc(text, (char)value);
	return true;
}

static void read_double(struct reading *r, const struct entry *e, struct buf *text)
{
	struct stack_pos start = here(r);

	for (r->s++; !r->failed && r->s < r->end && *r->s != '"'; step(r))
		if (*r->s != '\\' || !read_escape(r, text))
			buf_putc(text, *r->s);
	if (r->failed)
		return;
	if (r->s == r->end)
		fail(r, start, "'%.80s': the double quote that begins here is never closed",
		     e->key);
	else
		r->s++;
}

/* Up to the end of the line or a comment, which needs a blank before it. */
static void read_bare(struct reading *r, struct buf *text)
{
	const char *start = r->s;

	while (r->s < r->end && *r->s != '\n' && !(*r->s == '#' && strchr(" \t", r->s[-1])))
		r->s++;
	buf_add(text, start, (size_t)(r->s - start));
	while (text->len && strchr(" \t", text->data[text->len - 1]))
		text->data[--text->len] = '\0';
	skip_line(r);
}

static void read_value(struct reading *r, const struct entry *e)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	bool quoted = at(r, '\'') || at(r, '"');

	if (at(r, '\''))
		read_single(r, e, &text);
	else if (at(r, '"'))
		read_double(r, e, &text);
	else
		read_bare(r, &text);
	if (r->failed)
		return;
	skip_blanks(r);
	if (quoted && r->s < r->end && *r->s != '\n' && *r->s != '#') {
		fail(r, here(r), "'%.80s': text behind the closing quote", e->key);
		return;
	}
	skip_line(r);
	put_text(r, e, buf_str(&text), text.len);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool is_key_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_.-[]", c));
}

static void read_key(struct reading *r, struct entry *ret)
{
	const char *start = r->s;

	ret->pos = here(r);
	while (r->s < r->end && is_key_char(*r->s))
		r->s++;
	ret->key = arena_strndup(r->vars->arena, start, (size_t)(r->s - start));
}

/* A name alone takes over the project's variable; where there is none, it says nothing. */
static void put_inherited(struct reading *r, const struct entry *e)
{
	const char *value = vars_get(r->vars, e->key, strlen(e->key));

	if (value)
		envset_put(r->into, (struct stack_kv){ e->key, value, e->pos });
}

static void read_entry(struct reading *r)
{
	static const char export[] = "export";
	const size_t len = sizeof(export) - 1;
	struct entry e;

	if ((size_t)(r->end - r->s) > len && !memcmp(r->s, export, len) &&
	    strchr(" \t", r->s[len])) {
		r->s += len;
		skip_blanks(r);
	}
	read_key(r, &e);
	skip_blanks(r);
	if (*e.key && (at(r, '=') || at(r, ':'))) {
		r->s++;
		skip_blanks(r);
		read_value(r, &e);
	} else if (*e.key && (r->s == r->end || *r->s == '\n' || *r->s == '#')) {
		skip_line(r);
		put_inherited(r, &e);
	} else {
		fail(r, here(r), "not KEY=VALUE: a key is made of letters, digits and _.-[]");
	}
}

/* Line ends of other systems would stay in values. */
static char *unix_text(struct arena *arena, const char *text, size_t len, size_t *ret_len)
{
	char *copy = arena_strndup(arena, text, len), *to = copy;

	for (size_t i = 0; i < len; i++)
		if (text[i] != '\r' || i + 1 == len || text[i + 1] != '\n')
			*to++ = text[i];
	*to = '\0';
	*ret_len = (size_t)(to - copy);
	return copy;
}

void dotenv_parse(struct vars *vars, const struct envset *service, uint32_t file, const char *text,
		  size_t len, struct envset *into)
{
	struct reading r = {
		.vars = vars, .service = service, .into = into, .pos = { file, 1, 0 }
	};
	size_t bom = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;

	r.s = r.line_start = text;
	if (memchr(text, '\0', len)) {
		fail(&r, here(&r), "a NUL byte: this is not a text file");
		return;
	}
	r.s = r.line_start = unix_text(vars->arena, text + bom, len - bom, &len);
	r.end = r.s + len;
	while (!r.failed && r.s < r.end) {
		if (strchr(" \t\n", *r.s))
			step(&r);
		else if (*r.s == '#')
			skip_line(&r);
		else
			read_entry(&r);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dotenv: the grammar of env files as compose reads them: `export`, three kinds of values (bare,
 * 'literal', "with escapes and variables"), comments, values over several lines; and the raw one.
 * Called with a text in memory; opens nothing.
 */
#include <ctype.h>

#include "stack/diag.h"
#include "stack/dotenv.h"
#include "stack/encoding.h"

#define ENTRY_BYTES 100 /* about what one needs beside its texts */
#define NOT_A_KEY   "not KEY=VALUE: a key is made of letters, digits and _.-[]"

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
	char *copy; /* with the line ends of Unix; NULL: the text has no others */
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
	diags_vadd(r->vars->common->diags, STACK_ERROR, pos, NULL, fmt, ap);
	va_end(ap);
	r->failed = true;
}

/* ---- moving along ---------------------------------------------------------------------------- */

static bool at(const struct reading *r, char c)
{
	return r->s < r->end && *r->s == c;
}

static bool at_line_end(const struct reading *r)
{
	return r->s == r->end || *r->s == '\n';
}

static bool is_blank(char c)
{
	return c && strchr(" \t\v\f\r", c);
}

static void skip_blanks(struct reading *r)
{
	while (r->s < r->end && is_blank(*r->s))
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
	while (!at_line_end(r))
		r->s++;
}

/* ---- values ---------------------------------------------------------------------------------- */

static void put_value(struct reading *r, const struct entry *e, const char *value)
{
	envset_put(r->into, (struct stack_kv){ e->key, value, e->pos });
}

static void put_text(struct reading *r, const struct entry *e, const char *text, size_t len)
{
	const struct envset *more[] = { r->into, NULL, NULL };
	_cleanup_(buf_fini) struct buf why = { 0 };
	const char *value;

	if (r->service) {
		more[0] = r->service;
		more[1] = r->into;
	}
	value = vars_expand(r->vars, more, e->pos, text, len, NULL, NULL, &why);
	if (value)
		put_value(r, e, value);
	else
		fail(r, e->pos, "'%.80s': %s", e->key, buf_str(&why));
}

static void close_quote(struct reading *r, const struct entry *e, struct stack_pos start,
			const char *kind)
{
	if (r->failed)
		return;
	if (r->s == r->end)
		fail(r, start, "'%.80s': the %s quote that begins here is never closed", e->key,
		     kind);
	else
		r->s++;
}

/*
 * Literal: put through the expansion with its dollars doubled, so that all values are counted at
 * one place. Of escapes there is only that of the quote; a pair of backslashes hides none.
 */
static void read_single(struct reading *r, const struct entry *e, struct buf *text)
{
	struct stack_pos start = here(r);

	for (r->s++; r->s < r->end && *r->s != '\''; step(r)) {
		bool pair = *r->s == '\\' && r->s + 1 < r->end;

		if (pair && r->s[1] == '\'')
			r->s++;
		else if (pair && r->s[1] == '\\')
			buf_putc(text, *r->s++);
		if (*r->s == '$')
			buf_putc(text, '$');
		buf_putc(text, *r->s);
	}
	close_quote(r, e, start, "single");
}

/* \0 and three octal digits are a character, in UTF-8. False: fewer digits, or digits of no octal number. */
static bool read_octal(struct reading *r, struct buf *text)
{
	unsigned value = 0, digits = 0;

	for (; digits < 3 && r->s + 2 + digits < r->end; digits++) {
		char c = r->s[2 + digits];

		if (c < '0' || c > '7')
			return false;
		value = value * 8 + (unsigned)(c - '0');
	}
	if (digits < 3 || value > 255)
		return false;
	if (!value)
		fail(r, here(r), "an escape that stands for NUL: no variable can hold that");
	if (value >= 0x80)
		buf_putc(text, (char)(0xc0 | value >> 6));
	buf_putc(text, (char)(value >= 0x80 ? 0x80 | (value & 0x3f) : value));
	r->s += 4;
	return true;
}

/*
 * What stands behind a backslash; false: nothing that is known, the backslash stays. s is left on
 * the last character of it.
 */
static bool read_escape(struct reading *r, struct buf *text)
{
	static const char from[] = "abfnrtv\\\"", to[] = "\a\b\f\n\r\t\v\\\"";
	const char *known;

	if (r->s + 1 == r->end)
		return false;
	if (r->s[1] == '0')
		return read_octal(r, text);
	if (r->s[1] == '$') {
		buf_puts(text, "$$");
		r->s++;
		return true;
	}
	known = memchr(from, r->s[1], sizeof(from) - 1);
	if (!known)
		return false;
	buf_putc(text, to[known - from]);
	r->s++;
	return true;
}

static void read_double(struct reading *r, const struct entry *e, struct buf *text)
{
	struct stack_pos start = here(r);

	for (r->s++; !r->failed && r->s < r->end && *r->s != '"'; step(r))
		if (*r->s != '\\' || !read_escape(r, text))
			buf_putc(text, *r->s);
	close_quote(r, e, start, "double");
}

/*
 * Up to the end of the line or to ` #`. Blanks before the value are gone by now, so a `#` that
 * comes first is the value: that is how compose reads it, and hardly ever what was meant.
 */
static void read_bare(struct reading *r, const struct entry *e, struct buf *text)
{
	const char *start = r->s;

	if (at(r, '#') && is_blank(r->s[-1]))
		stack_diag_add(r->vars->common->diags, STACK_WARNING, here(r),
			       "put an empty value in quotes: KEY=\"\" # comment",
			       "'%.80s': the value begins with this '#', it is no comment", e->key);
	while (!at_line_end(r) && !(*r->s == '#' && r->s > start && r->s[-1] == ' '))
		r->s++;
	buf_add(text, start, (size_t)(r->s - start));
	while (text->len && is_blank(text->data[text->len - 1]))
		text->data[--text->len] = '\0';
	skip_line(r);
}

static void read_value(struct reading *r, const struct entry *e)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	if (at(r, '\'') || at(r, '"')) {
		if (at(r, '"'))
			read_double(r, e, &text);
		else
			read_single(r, e, &text);
		if (r->failed)
			return;
		skip_blanks(r);
		if (!at_line_end(r) && *r->s != '#') {
			fail(r, here(r), "'%.80s': text behind the closing quote", e->key);
			return;
		}
		skip_line(r);
	} else {
		read_bare(r, e, &text);
	}
	put_text(r, e, buf_str(&text), text.len);
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* Letters of other scripts are letters, too. */
static bool is_key_char(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 || (c && strchr("_.-[]", c));
}

/*
 * A file may be read for each of a thousand services: its entries count as the texts of variables
 * do. False: it was complained about.
 */
static bool keep_key(struct reading *r, struct entry *e, const char *name, size_t len)
{
	if (vars_charge(r->vars->common, len + ENTRY_BYTES)) {
		e->key = arena_strndup(r->vars->common->arena, name, len);
		return true;
	}
	fail(r, e->pos, "env files and variables need more than %u MiB", VARS_EXPANDED_MAX >> 20);
	return false;
}

static bool read_key(struct reading *r, struct entry *ret)
{
	const char *start = r->s;

	ret->pos = here(r);
	while (r->s < r->end && is_key_char(*r->s))
		r->s++;
	return keep_key(r, ret, start, (size_t)(r->s - start));
}

/* A name alone takes over the project's variable; where there is none, it says nothing. */
static void put_inherited(struct reading *r, const struct entry *e)
{
	const char *value = vars_get(r->vars, e->key, strlen(e->key));

	if (value)
		put_value(r, e, value);
}

static void skip_export(struct reading *r)
{
	static const char word[] = "export";
	const size_t len = sizeof(word) - 1;

	if ((size_t)(r->end - r->s) > len && !memcmp(r->s, word, len) && is_blank(r->s[len])) {
		r->s += len;
		skip_blanks(r);
	}
}

static void read_entry(struct reading *r)
{
	struct entry e;
	bool blank;

	skip_export(r);
	if (!read_key(r, &e))
		return;
	blank = r->s < r->end && is_blank(*r->s);
	skip_blanks(r);
	if (*e.key && (at(r, '=') || at(r, ':'))) {
		r->s++;
		skip_blanks(r);
		read_value(r, &e);
	} else if (*e.key && (at_line_end(r) || *r->s == '#')) {
		skip_line(r);
		put_inherited(r, &e);
	} else if (*e.key && blank && is_key_char(*r->s)) {
		fail(r, here(r), "'%.80s': a key cannot hold a blank, and a value needs '='",
		     e.key);
	} else {
		fail(r, here(r), NOT_A_KEY);
	}
}

/* Line ends of other systems would stay in values. */
static char *unix_text(const char *text, size_t len, size_t *ret_len)
{
	char *copy = xcalloc(len + 1, 1), *to = copy;

	for (size_t i = 0; i < len; i++)
		if (text[i] != '\r' || i + 1 == len || text[i + 1] != '\n')
			*to++ = text[i];
	*ret_len = (size_t)(to - copy);
	return copy;
}

static bool begin(struct reading *r, uint32_t file, const char *text, size_t len)
{
	struct vars_common *c = r->vars->common;

	text = encoding_text(c->diags, file, text, &len);
	if (!text)
		return false;
	r->pos = (struct stack_pos){ file, 1, 0 };
	if (memchr(text, '\r', len))
		text = r->copy = unix_text(text, len, &len);
	r->s = r->line_start = text;
	r->end = text + len;
	return true;
}

/* What stands between entries is the same in both grammars. */
static void read_file(struct reading *r, uint32_t file, const char *text, size_t len,
		      void (*read)(struct reading *))
{
	if (!begin(r, file, text, len))
		return;
	while (!r->failed && r->s < r->end) {
		if (is_blank(*r->s) || *r->s == '\n')
			step(r);
		else if (*r->s == '#')
			skip_line(r);
		else
			read(r);
	}
	free(r->copy);
}

void dotenv_parse(struct vars *vars, const struct envset *service, uint32_t file, const char *text,
		  size_t len, struct envset *into)
{
	struct reading r = { .vars = vars, .service = service, .into = into };

	read_file(&r, file, text, len, read_entry);
}

/* ---- raw ------------------------------------------------------------------------------------- */

static void read_raw_line(struct reading *r)
{
	struct entry e = { .pos = here(r) };
	const char *start = r->s;
	char *eq;

	skip_line(r);
	if (!keep_key(r, &e, start, (size_t)(r->s - start)))
		return;
	/* The value stays where it is, behind the key. */
	eq = strchr(e.key, '=');
	if (eq)
		*eq++ = '\0';
	if (!*e.key)
		fail(r, e.pos, "no name before the '='");
	else if (e.key[strcspn(e.key, " \t")])
		fail(r, e.pos, "'%.80s': a name cannot hold a blank", e.key);
	else if (eq)
		put_value(r, &e, eq);
	else
		put_inherited(r, &e);
}

void dotenv_parse_raw(struct vars *vars, uint32_t file, const char *text, size_t len,
		      struct envset *into)
{
	struct reading r = { .vars = vars, .into = into };

	read_file(&r, file, text, len, read_raw_line);
}

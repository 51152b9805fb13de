/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * emitter: writes two formats from one sequence of calls. Strings are quoted as JSON does, which
 * YAML reads as well; plain ones only where no reader could take them for anything else. Pure.
 */
#include <assert.h>
#include <ctype.h>

#include "stack/emitter.h"
#include "stack/node.h"

/* ---- strings --------------------------------------------------------------------------------- */

/* The bytes of one UTF-8 character, 0: what stands here is none. */
static size_t utf8_decode(const unsigned char *s, uint32_t *ret)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};

	for (size_t len = 1; len <= ARRAY_LEN(forms); len++) {
		uint32_t c = s[0] & ~(uint32_t)forms[len - 1].mask;

		if ((s[0] & forms[len - 1].mask) != forms[len - 1].lead)
			continue;
		for (size_t i = 1; i < len; i++) {
			if ((s[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (s[i] & 0x3f);
		}
		if (c < forms[len - 1].least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return 0;
		*ret = c;
		return len;
	}
	return 0;
}

/* Characters that YAML wants escaped although JSON does not. */
static bool is_unprintable(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
	       c == 0xfffe || c == 0xffff;
}

static void put_quoted(struct buf *b, const char *s, bool dollars)
{
	static const char from[] = "\"\\\n\t\r", to[] = "\"\\ntr";
	uint32_t c;

	buf_putc(b, '"');
	while (*s) {
		size_t len = utf8_decode((const unsigned char *)s, &c);
		const char *known = len == 1 ? memchr(from, *s, sizeof(from) - 1) : NULL;

		if (known)
			buf_printf(b, "\\%c", to[known - from]);
		else if (!len || is_unprintable(c))
			buf_printf(b, "\\u%04x", len ? c : 0xfffd);
		else
			buf_add(b, s, len);
		if (dollars && *s == '$')
			buf_putc(b, '$');
		s += len ? len : 1;
	}
	buf_putc(b, '"');
}

/* YAML 1.1 readers take these for truth values. */
static bool is_old_word(const char *s)
{
	static const char *const words[] = { "yes", "no", "on", "off", "y", "n" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcasecmp(s, words[i]))
			return true;
	return false;
}

/* Dates and numbers begin with a digit, so whatever does is quoted. */
static bool is_plain(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '/' && *s != '_')
		return false;
	for (const char *c = s; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("/_.-+@", *c) &&
		    !(*c == ':' && c[1] && c[1] != ' '))
			return false;
	return node_plain_kind(s) == NODE_STRING && !is_old_word(s);
}

static void put_string(struct emitter *e, const char *s, bool dollars)
{
	if (e->format == STACK_YAML && is_plain(s))
		buf_puts(e->out, s);
	else
		put_quoted(e->out, s, dollars);
}

/* ---- structure ------------------------------------------------------------------------------- */

static void indent(struct emitter *e, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		buf_puts(e->out, "  ");
}

/* Comma, line end, indentation, dash or key: all that stands before a value. */
static void before_value(struct emitter *e, const char *key)
{
	struct emit_level *level = &e->levels[e->depth];
	bool yaml = e->format == STACK_YAML, in_line;

	if (!yaml && level->any)
		buf_putc(e->out, ',');
	/*
	 * In YAML the first key of all begins the text, that of a map in a list stands in the line
	 * of the dash.
	 */
	in_line = yaml && !level->any &&
		  (!e->depth || (e->levels[e->depth - 1].list && !level->list));
	if (!in_line) {
		buf_putc(e->out, '\n');
		indent(e, yaml ? e->depth : e->depth + 1);
	}
	level->any = true;
	if (level->list && yaml)
		buf_puts(e->out, "- ");
	if (!level->list) {
		if (yaml)
			put_string(e, key, false);
		else
			put_quoted(e->out, key, false);
		buf_puts(e->out, yaml ? ":" : ": ");
	}
}

/* A scalar in a YAML map needs the blank that an opened block must not have. */
static void before_scalar(struct emitter *e, const char *key)
{
	before_value(e, key);
	if (e->format == STACK_YAML && !e->levels[e->depth].list)
		buf_putc(e->out, ' ');
}

static void open_level(struct emitter *e, const char *key, bool list)
{
	before_value(e, key);
	if (e->format == STACK_JSON)
		buf_putc(e->out, list ? '[' : '{');
	e->depth++;
	assert(e->depth < EMIT_DEPTH_MAX);
	e->levels[e->depth] = (struct emit_level){ list, false };
}

void emit_begin(struct emitter *e, struct buf *out, enum stack_format format)
{
	*e = (struct emitter){ .out = out, .format = format };
	if (format == STACK_JSON)
		buf_putc(out, '{');
}

void emit_open_map(struct emitter *e, const char *key)
{
	open_level(e, key, false);
}

void emit_open_list(struct emitter *e, const char *key)
{
	open_level(e, key, true);
}

void emit_close(struct emitter *e)
{
	struct emit_level closed = e->levels[e->depth--];

	if (e->format == STACK_YAML) {
		if (!closed.any)
			buf_puts(e->out, e->levels[e->depth].list ? (closed.list ? "[]" : "{}")
					 : closed.list		  ? " []"
								  : " {}");
		return;
	}
	if (closed.any) {
		buf_putc(e->out, '\n');
		indent(e, e->depth + 1);
	}
	buf_putc(e->out, closed.list ? ']' : '}');
}

void emit_end(struct emitter *e)
{
	assert(!e->depth);
	buf_puts(e->out, e->format == STACK_JSON ? "\n}\n" : "\n");
}

/* ---- values ---------------------------------------------------------------------------------- */

void emit_string(struct emitter *e, const char *key, const char *value)
{
	before_scalar(e, key);
	put_string(e, value, true);
}

void emit_number(struct emitter *e, const char *key, const char *text)
{
	before_scalar(e, key);
	buf_puts(e->out, text);
}

void emit_int(struct emitter *e, const char *key, int64_t value)
{
	before_scalar(e, key);
	buf_printf(e->out, "%jd", (intmax_t)value);
}

void emit_bool(struct emitter *e, const char *key, bool value)
{
	emit_number(e, key, value ? "true" : "false");
}

void emit_null(struct emitter *e, const char *key)
{
	emit_number(e, key, "null");
}

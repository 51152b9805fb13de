/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * emitter: writes a tree in two formats. Strings are quoted as JSON does, which YAML reads as well;
 * plain ones, and text in lines, only where no reader of YAML 1.1 or 1.2 could take them for anything
 * else. Called by canon and explain. Pure.
 */
#include <ctype.h>

#include "mstack/stack.h"
#include "stack/emitter.h"
#include "stack/scalar.h"
#include "stack/utf8.h"

/* Longer keys are no longer taken for keys by YAML readers, unless they are announced. */
#define SIMPLE_KEY_MAX 1000

/* ---- strings --------------------------------------------------------------------------------- */

static bool is_ordinary(char c, bool dollars)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\' && !(dollars && c == '$');
}

/* YAML has no surrogates, JSON nothing else: what is hidden beyond U+FFFF goes out as it is. */
static void put_escaped(struct buf *b, const char *s, size_t len, uint32_t c)
{
	static const char from[] = "\"\\\n\t\r", to[] = "\"\\ntr";
	const char *known = len == 1 ? memchr(from, *s, sizeof(from) - 1) : NULL;

	if (known)
		buf_printf(b, "\\%c", to[known - from]);
	else if (!len || c == UTF8_LOST || (utf8_is_hidden(c) && c <= 0xffff))
		buf_printf(b, "\\u%04x", len ? c : UTF8_LOST);
	else
		buf_add(b, s, len);
}

void emit_string(struct buf *out, const char *s, bool dollars)
{
	uint32_t c;

	buf_putc(out, '"');
	while (*s) {
		const char *end = s;
		size_t len;

		while (is_ordinary(*end, dollars))
			end++;
		buf_add(out, s, (size_t)(end - s));
		s = end;
		if (!*s)
			break;
		if (*s == '$') {
			buf_puts(out, "$$");
			s++;
			continue;
		}
		len = utf8_decode(s, &c);
		put_escaped(out, s, len, c);
		s += len ? len : 1;
	}
	buf_putc(out, '"');
}

bool stack_quote(struct buf *out, const char *text)
{
	uint32_t c;

	for (const char *s = text; *s;) {
		size_t len = utf8_decode(s, &c);

		if (!len)
			return false;
		s += len;
	}
	emit_string(out, text, true);
	return true;
}

/* Plain text, or text in lines, with its dollars. */
static void put_raw(const struct emitter *e, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t run = 0;

		while (i + run < len && (e->literal || s[i + run] != '$'))
			run++;
		buf_add(e->out, s + i, run);
		i += run;
		if (i < len)
			buf_puts(e->out, "$$");
	}
}

static void put_string(const struct emitter *e, const char *s)
{
	if (e->form == EMIT_YAML && scalar_is_plain(s))
		put_raw(e, s, strlen(s));
	else
		emit_string(e->out, s, !e->literal);
}

/* ---- scalars --------------------------------------------------------------------------------- */

static void put_scalar(const struct emitter *e, const struct node *n)
{
	switch (n->kind) {
	case NODE_NULL:
		buf_puts(e->out, "null");
		return;
	case NODE_BOOL:
		buf_puts(e->out, scalar_is_true(n->text) ? "true" : "false");
		return;
	case NODE_NUMBER:
		if (!scalar_put_number(e->out, n->text))
			emit_string(e->out, n->text, !e->literal);
		return;
	case NODE_STRING:
		put_string(e, n->text);
		return;
	case NODE_LIST:
		buf_puts(e->out, "[]");
		return;
	case NODE_MAP:
		buf_puts(e->out, "{}");
	}
}

static bool is_leaf(const struct node *n)
{
	return !(n->kind & (NODE_LIST | NODE_MAP)) || !n->n;
}

static void put_spaces(struct buf *out, unsigned n)
{
	static const char spaces[] = "                                ";

	for (; n >= sizeof(spaces); n -= sizeof(spaces) - 1)
		buf_add(out, spaces, sizeof(spaces) - 1);
	buf_add(out, spaces, n);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void put_json(const struct emitter *e, const struct node *n, unsigned depth)
{
	bool lines = e->form == EMIT_JSON && depth < EMIT_BLOCK_DEPTH;
	bool map = n->kind == NODE_MAP;

	if (is_leaf(n)) {
		put_scalar(e, n);
		return;
	}
	buf_putc(e->out, map ? '{' : '[');
	for (size_t i = 0; i < n->n; i++) {
		if (i)
			buf_putc(e->out, ',');
		if (lines) {
			buf_putc(e->out, '\n');
			put_spaces(e->out, 2 * depth + 2);
		}
		if (map) {
			emit_string(e->out, n->pairs[i].key, !e->literal && e->form != EMIT_YAML);
			buf_puts(e->out, lines ? ": " : ":");
		}
		put_json(e, map ? n->pairs[i].value : n->items[i], depth + 1);
	}
	if (lines) {
		buf_putc(e->out, '\n');
		put_spaces(e->out, 2 * depth);
	}
	buf_putc(e->out, map ? '}' : ']');
}

/* ---- YAML ------------------------------------------------------------------------------------ */

static void end_line(const struct emitter *e, const struct node *n)
{
	if (e->note)
		e->note(e->arg, n, e->out);
	buf_putc(e->out, '\n');
}

/* |, or |- when the text does not end with a line end, and its lines one level further in. */
static void put_lines(const struct emitter *e, const struct node *n, unsigned depth)
{
	const char *s = n->text;

	buf_puts(e->out, s[strlen(s) - 1] == '\n' ? "|" : "|-");
	end_line(e, n);
	while (*s) {
		size_t len = strcspn(s, "\n");

		if (len)
			put_spaces(e->out, 2 * depth);
		put_raw(e, s, len);
		buf_putc(e->out, '\n');
		s += len + (s[len] == '\n');
	}
}

/*
 * Nobody looks for variables in keys, so a single dollar stays as it is; but two are one when the key
 * is read again. The JSON doubles all of them, because that is the shape that other tools know.
 */
static void put_key(const struct emitter *all, const char *key, unsigned depth)
{
	const struct emitter own = { .out = all->out,
				     .form = all->form,
				     .literal = all->literal || !strstr(key, "$$") },
			     *e = &own;
	size_t before = e->out->len;

	if (strlen(key) < SIMPLE_KEY_MAX / 8) {
		put_string(e, key);
	} else {
		buf_puts(e->out, "? ");
		emit_string(e->out, key, !e->literal);
		if (e->out->len - before > SIMPLE_KEY_MAX) {
			buf_putc(e->out, '\n');
			put_spaces(e->out, 2 * depth);
		} else {
			buf_cut(e->out, before);
			put_string(e, key);
		}
	}
	buf_putc(e->out, ':');
}

static void put_block(const struct emitter *e, const struct node *n, unsigned depth, bool in_line);

/* What follows `key:` or `-`; `depth` is that of what stands below it. */
static void put_value(const struct emitter *e, const struct node *n, unsigned depth, bool of_list)
{
	if (!is_leaf(n) && depth < EMIT_BLOCK_DEPTH) {
		buf_putc(e->out, of_list ? ' ' : '\n');
		put_block(e, n, depth, of_list);
		return;
	}
	buf_putc(e->out, ' ');
	if (n->kind == NODE_STRING && scalar_has_lines(n->text)) {
		put_lines(e, n, depth);
		return;
	}
	if (is_leaf(n)) {
		put_scalar(e, n);
	} else {
		struct emitter json = *e;

		json.form = EMIT_COMPACT;
		put_json(&json, n, 0);
	}
	end_line(e, n);
}

/* in_line: the first entry stands behind a dash that is written already. */
static void put_block(const struct emitter *e, const struct node *n, unsigned depth, bool in_line)
{
	for (size_t i = 0; i < n->n; i++) {
		if (i || !in_line)
			put_spaces(e->out, 2 * depth);
		if (n->kind == NODE_MAP)
			put_key(e, n->pairs[i].key, depth);
		else
			buf_putc(e->out, '-');
		put_value(e, n->kind == NODE_MAP ? n->pairs[i].value : n->items[i], depth + 1,
			  n->kind == NODE_LIST);
	}
}

void emit_tree(const struct emitter *e, const struct node *root)
{
	if (e->form == EMIT_YAML && !is_leaf(root)) {
		put_block(e, root, 0, false);
		return;
	}
	put_json(e, root, 0);
	if (e->form != EMIT_COMPACT)
		buf_putc(e->out, '\n');
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interp: the grammar of variables in compose files (specification, chapter 12): $NAME, ${NAME},
 * the operators :- - :? ? :+ + with arguments that may hold variables again, and $$. A value is
 * never scanned again. Pure.
 */
#include <ctype.h>

#include "stack/interp.h"

#define SHOWN_MAX 40 /* bytes of a text that a reason shows */

struct expansion {
	const struct interp_source *src;
	struct buf *out, *why;
	size_t start; /* of the result in out */
};

static int expand(struct expansion *x, const char *s, const char *end, unsigned depth);

/* ---- the grammar ----------------------------------------------------------------------------- */

/* How long the name is that text begins with, 0: it begins with none. */
static size_t name_len(const char *text, const char *end)
{
	const char *s = text;

	if (s < end && isdigit((unsigned char)*s))
		return 0;
	while (s < end && (isalnum((unsigned char)*s) || *s == '_'))
		s++;
	return (size_t)(s - text);
}

/* The brace that closes the one before s: braces in between are counted. NULL: there is none. */
static const char *closing_brace(const char *s, const char *end)
{
	unsigned open = 1;

	for (; s < end; s++) {
		open += *s == '{';
		open -= *s == '}';
		if (!open)
			return s;
	}
	return NULL;
}

enum form {
	NO_VARIABLE, /* a dollar sign that stays one */
	PLAIN,	     /* $NAME */
	BRACED,
	UNCLOSED,
	MALFORMED, /* ref->end is the brace that closes it */
};

/* What begins behind a dollar sign. The first operator of the text decides, the rest is its argument. */
static enum form parse_reference(const char *s, const char *end, struct interp_reference *ret)
{
	size_t len = name_len(s, end);
	struct interp_reference ref = { .name = s, .len = len, .end = s + len };
	const char *op;

	*ret = ref;
	if (len)
		return PLAIN;
	if (s == end || *s != '{')
		return NO_VARIABLE;
	ref.name = s + 1;
	ref.end = closing_brace(ref.name, end);
	if (!ref.end)
		return UNCLOSED;
	ref.len = name_len(ref.name, ref.end);
	op = ref.name + ref.len;
	ref.or_empty = op < ref.end && *op == ':';
	op += ref.or_empty;
	if (op < ref.end) {
		ref.op = *op;
		ref.arg = op + 1;
	}
	*ret = ref;
	if (!ref.len || (ref.op && !strchr("-?+", ref.op)) || (ref.or_empty && !ref.op))
		return MALFORMED;
	return BRACED;
}

/* ---- complaints ------------------------------------------------------------------------------ */

/* As much of a text as a reason shows, no character cut in two. */
static int shown(const char *s, const char *end)
{
	size_t len = (size_t)(end - s);

	if (len > SHOWN_MAX)
		for (len = SHOWN_MAX; len && ((unsigned char)s[len] & 0xc0) == 0x80;)
			len--;
	return (int)len;
}

static int fail_unclosed(struct expansion *x, const char *s, const char *end)
{
	buf_printf(x->why, "'$%.*s' has no closing brace (a dollar sign itself is written $$)",
		   shown(s, end), s);
	return -1;
}

static int fail_malformed(struct expansion *x, const struct interp_reference *ref)
{
	int len = shown(ref->name, ref->end), name = (int)ref->len;

	buf_printf(x->why, "'${%.*s}' is no variable: ", len, ref->name);
	if (ref->len && ref->or_empty)
		buf_printf(x->why, "a default is written ${%.*s:-default}",
			   shown(ref->name, ref->name + name), ref->name);
	else if (ref->len && ref->op == ' ')
		buf_puts(x->why, "no blank may stand behind the name");
	else
		buf_puts(x->why,
			 "write ${NAME}, ${NAME:-default}, ${NAME:?message} or ${NAME:+text}");
	buf_puts(x->why, " (a dollar sign itself is written $$)");
	return -1;
}

static int fail_deep(struct expansion *x)
{
	buf_printf(x->why, "variables nested more than %d levels deep", INTERP_DEPTH_MAX);
	return -1;
}

/* The message may hold variables itself, so it is expanded like any other text. */
static int fail_required(struct expansion *x, const struct interp_reference *ref, bool set,
			 unsigned depth)
{
	struct buf message = { 0 };
	struct expansion inner = { x->src, &message, x->why, 0 };
	int r = expand(&inner, ref->arg, ref->end, depth + 1);

	if (!r)
		buf_printf(x->why, "variable '%.*s' is required but %s%s%.*s",
			   shown(ref->name, ref->name + ref->len), ref->name,
			   set ? "empty" : "not set", message.len ? ": " : "",
			   message.len > 200 ? 200 : (int)message.len, buf_str(&message));
	buf_fini(&message);
	return -1;
}

/* ---- expanding ------------------------------------------------------------------------------- */

static int put(struct expansion *x, const char *s, size_t len)
{
	if (x->out->len - x->start + len > INTERP_MAX) {
		buf_printf(x->why, "longer than %u bytes once its variables are replaced",
			   INTERP_MAX);
		return -1;
	}
	buf_add(x->out, s, len);
	return 0;
}

static int put_reference(struct expansion *x, const struct interp_reference *ref, unsigned depth)
{
	const char *value = x->src->get(x->src->arg, ref->name, ref->len);
	bool set = value && !(ref->or_empty && !*value);

	if (ref->op == '+')
		return set ? expand(x, ref->arg, ref->end, depth + 1) : 0;
	if (set)
		return put(x, value, strlen(value));
	if (ref->op == '?')
		return fail_required(x, ref, value, depth);
	if (ref->op)
		return expand(x, ref->arg, ref->end, depth + 1);
	x->src->unset(x->src->arg, ref->name, ref->len);
	return 0;
}

/* s is behind the dollar sign; moves it behind the variable. */
static int put_dollar(struct expansion *x, const char **s, const char *end, unsigned depth)
{
	struct interp_reference ref;

	switch (parse_reference(*s, end, &ref)) {
	case NO_VARIABLE:
		/* A dollar before anything else stays; of two, one does. */
		*s += *s < end && **s == '$';
		return put(x, "$", 1);
	case PLAIN:
		*s = ref.end;
		return put_reference(x, &ref, depth);
	case BRACED:
		*s = ref.end + 1;
		return put_reference(x, &ref, depth);
	case UNCLOSED:
		return fail_unclosed(x, *s, end);
	case MALFORMED:
		return fail_malformed(x, &ref);
	}
	return -1;
}

static int expand(struct expansion *x, const char *s, const char *end, unsigned depth)
{
	if (depth > INTERP_DEPTH_MAX)
		return fail_deep(x);
	while (s < end) {
		const char *dollar = memchr(s, '$', (size_t)(end - s));

		if (put(x, s, (size_t)((dollar ? dollar : end) - s)) < 0)
			return -1;
		if (!dollar)
			break;
		s = dollar + 1;
		if (put_dollar(x, &s, end, depth) < 0)
			return -1;
	}
	return 0;
}

int interp_expand(const struct interp_source *src, const char *text, size_t len, struct buf *out,
		  struct buf *why)
{
	struct expansion x = { src, out, why, out->len };

	return expand(&x, text, text + len, 0);
}

/* ---- naming ---------------------------------------------------------------------------------- */

struct naming {
	void (*seen)(void *arg, const struct interp_reference *ref);
	void *arg;
};

static void walk(const struct naming *n, const char *s, const char *end, unsigned depth)
{
	struct interp_reference ref;
	enum form form;

	if (depth > INTERP_DEPTH_MAX)
		return;
	while (s < end && (s = memchr(s, '$', (size_t)(end - s)))) {
		s++;
		form = parse_reference(s, end, &ref);
		if (form == UNCLOSED)
			return;
		if (form == NO_VARIABLE) {
			s += s < end && *s == '$';
			continue;
		}
		if (form != MALFORMED)
			n->seen(n->arg, &ref);
		if (form == BRACED && ref.op)
			walk(n, ref.arg, ref.end, depth + 1);
		s = ref.end;
	}
}

void interp_walk(const char *text, size_t len,
		 void (*seen)(void *arg, const struct interp_reference *ref), void *arg)
{
	struct naming n = { seen, arg };

	walk(&n, text, text + len, 0);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interp: the grammar of variables in compose files (specification, chapter 12): $NAME, ${NAME},
 * the operators :- - :? ? :+ + with arguments that may hold variables again, and $$. A value is
 * never scanned again. Pure.
 */
#include <ctype.h>

#include "stack/interp.h"

#define DEPTH_MAX 32

struct expansion {
	const struct interp_source *src;
	struct buf *out, *why;
	size_t start; /* of the result in out */
};

/* ${name OP argument} */
struct reference {
	const char *name, *arg, *end;
	size_t len;
	char op;       /* - ? + or 0 */
	bool or_empty; /* with a colon: an empty value counts as unset */
};

static int expand(struct expansion *x, const char *s, const char *end, unsigned depth);

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

/* s is behind `${`. */
static int parse_reference(struct expansion *x, const char *s, const char *end,
			   struct reference *ret)
{
	const char *close = closing_brace(s, end), *op;
	struct reference ref = { .name = s, .end = close };

	if (!close) {
		buf_printf(x->why,
			   "'${%.40s' has no closing brace (a dollar sign itself is written $$)",
			   s);
		return -1;
	}
	ref.len = name_len(s, close);
	op = s + ref.len;
	ref.or_empty = op < close && *op == ':';
	op += ref.or_empty;
	if (op < close) {
		ref.op = *op;
		ref.arg = op + 1;
	}
	if (!ref.len || (ref.op && !strchr("-?+", ref.op)) || (ref.or_empty && !ref.op)) {
		buf_printf(x->why,
			   "'${%.*s}' is no variable: write ${NAME}, ${NAME:-default}, "
			   "${NAME:?message} or ${NAME:+text} (a dollar sign itself is written $$)",
			   (int)(close - s > 40 ? 40 : close - s), s);
		return -1;
	}
	*ret = ref;
	return 0;
}

/* The message may hold variables itself, so it is expanded like any other text. */
static int fail_required(struct expansion *x, const struct reference *ref, unsigned depth)
{
	struct buf message = { 0 };
	struct expansion inner = { x->src, &message, x->why, 0 };
	int r = expand(&inner, ref->arg, ref->end, depth + 1);

	if (!r)
		buf_printf(x->why, "variable '%.*s' is required but not set%s%.200s", (int)ref->len,
			   ref->name, message.len ? ": " : "", buf_str(&message));
	buf_fini(&message);
	return -1;
}

static int put_variable(struct expansion *x, const char *name, size_t len)
{
	const char *value = x->src->get(x->src->arg, name, len);

	if (value)
		return put(x, value, strlen(value));
	x->src->unset(x->src->arg, name, len);
	return 0;
}

static int put_reference(struct expansion *x, const struct reference *ref, unsigned depth)
{
	const char *value;
	bool set;

	if (!ref->op)
		return put_variable(x, ref->name, ref->len);
	value = x->src->get(x->src->arg, ref->name, ref->len);
	set = value && !(ref->or_empty && !*value);
	if (ref->op == '+')
		return set ? expand(x, ref->arg, ref->end, depth + 1) : 0;
	if (set)
		return put(x, value, strlen(value));
	if (ref->op == '?')
		return fail_required(x, ref, depth);
	return expand(x, ref->arg, ref->end, depth + 1);
}

static int expand(struct expansion *x, const char *s, const char *end, unsigned depth)
{
	if (depth > DEPTH_MAX) {
		buf_printf(x->why, "variables nested more than %d levels deep", DEPTH_MAX);
		return -1;
	}
	while (s < end) {
		const char *dollar = memchr(s, '$', (size_t)(end - s));
		struct reference ref;
		size_t len;

		if (put(x, s, (size_t)((dollar ? dollar : end) - s)) < 0)
			return -1;
		if (!dollar)
			break;
		s = dollar + 1;
		len = name_len(s, end);
		if (len) {
			if (put_variable(x, s, len) < 0)
				return -1;
			s += len;
		} else if (s < end && *s == '{') {
			if (parse_reference(x, s + 1, end, &ref) < 0 ||
			    put_reference(x, &ref, depth) < 0)
				return -1;
			s = ref.end + 1;
		} else {
			/* A dollar before anything else stays; of two, one does. */
			s += s < end && *s == '$';
			if (put(x, "$", 1) < 0)
				return -1;
		}
	}
	return 0;
}

int interp_expand(const struct interp_source *src, const char *text, size_t len, struct buf *out,
		  struct buf *why)
{
	struct expansion x = { src, out, why, out->len };

	return expand(&x, text, text + len, 0);
}

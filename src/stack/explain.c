/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain: the canonical tree with the place that each value came from: the file and line, and the
 * variables that stood in it with the places where they are set. Called by cli for `config
 * --explain`. Prints what the nodes carry and looks at nothing else.
 */
#include <ctype.h>

#include "stack/emitter.h"
#include "stack/impl.h"
#include "stack/utf8.h"

static const char *path_of(const struct stack *s, struct stack_pos pos)
{
	return pos.file < s->n_files ? s->files[pos.file].path : "?";
}

/* ---- comments -------------------------------------------------------------------------------- */

/* Names of files are the user's: a line end in one would end the comment. */
static void put_comment_text(struct buf *out, const char *s)
{
	uint32_t c;

	while (*s) {
		size_t len = utf8_decode(s, &c);

		if (len && !utf8_is_hidden(c))
			buf_add(out, s, len);
		else
			buf_putc(out, '?');
		s += len ? len : 1;
	}
}

static void note_use(const struct stack *s, const struct node_use *use, struct buf *out)
{
	put_comment_text(out, use->name);
	if (!use->value) {
		buf_puts(out, " is not set");
	} else if (!use->source.line) {
		buf_puts(out, " from the environment");
	} else {
		buf_puts(out, " from ");
		put_comment_text(out, path_of(s, use->source));
		buf_printf(out, ":%u", use->source.line);
	}
}

static void note(void *arg, const struct node *n, struct buf *out)
{
	const struct stack *s = arg;

	if (!n->pos.line) {
		buf_puts(out, "  # default");
	} else {
		buf_puts(out, "  # ");
		put_comment_text(out, path_of(s, n->pos));
		buf_printf(out, ":%u:%u", n->pos.line, n->pos.col);
	}
	for (size_t i = 0; i < n->n_uses; i++) {
		buf_puts(out, i ? ", " : " ");
		note_use(s, &n->uses[i], out);
	}
}

/* ---- lines of JSON --------------------------------------------------------------------------- */

struct walk {
	const struct stack *stack;
	struct buf *out;
	struct buf path; /* of the node that we are at */
};

/* "file", "line" and with col "column"; nothing for what stands nowhere. */
static void put_place(const struct walk *w, struct stack_pos pos, bool col)
{
	if (!pos.line)
		return;
	buf_puts(w->out, ",\"file\":");
	emit_string(w->out, path_of(w->stack, pos), false);
	buf_printf(w->out, ",\"line\":%u", pos.line);
	if (col)
		buf_printf(w->out, ",\"column\":%u", pos.col);
}

static void put_uses(const struct walk *w, const struct node *n)
{
	if (!n->n_uses)
		return;
	buf_puts(w->out, ",\"variables\":[");
	for (size_t i = 0; i < n->n_uses; i++) {
		const struct node_use *use = &n->uses[i];

		buf_puts(w->out, i ? ",{\"name\":" : "{\"name\":");
		emit_string(w->out, use->name, false);
		buf_puts(w->out, ",\"value\":");
		if (use->value)
			emit_string(w->out, use->value, false);
		else
			buf_puts(w->out, "null");
		put_place(w, use->source, false);
		buf_putc(w->out, '}');
	}
	buf_putc(w->out, ']');
}

static void put_leaf(const struct walk *w, const struct node *n)
{
	const struct emitter e = {
		.out = w->out,
		.form = EMIT_COMPACT,
		.literal = w->stack->impl->literal,
	};

	buf_puts(w->out, "{\"path\":");
	emit_string(w->out, buf_str(&w->path), false);
	buf_puts(w->out, ",\"value\":");
	emit_tree(&e, n);
	put_place(w, n->pos, true);
	put_uses(w, n);
	buf_puts(w->out, "}\n");
}

/* services.web.ports[0].target; labels["com.example.a b"] when the key is no plain word. */
static void enter_key(struct buf *path, const char *key)
{
	const char *end = key;

	while (isalnum((unsigned char)*end) || *end == '_' || *end == '-')
		end++;
	if (end == key || *end) {
		buf_putc(path, '[');
		emit_string(path, key, false);
		buf_putc(path, ']');
	} else {
		buf_printf(path, "%s%s", path->len ? "." : "", key);
	}
}

static void walk(struct walk *w, const struct node *n)
{
	size_t len = w->path.len;

	if (!(n->kind & (NODE_LIST | NODE_MAP)) || !n->n) {
		put_leaf(w, n);
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		if (n->kind == NODE_MAP)
			enter_key(&w->path, n->pairs[i].key);
		else
			buf_printf(&w->path, "[%zu]", i);
		walk(w, n->kind == NODE_MAP ? n->pairs[i].value : n->items[i]);
		buf_cut(&w->path, len);
	}
}

void stack_explain(const struct stack *s, enum stack_format format, struct buf *out)
{
	struct walk w = { .stack = s, .out = out };
	const struct emitter e = {
		.out = out,
		.form = EMIT_YAML,
		.literal = s->impl->literal,
		.note = note,
		.arg = (void *)s,
	};

	if (format == STACK_YAML)
		emit_tree(&e, s->impl->root);
	else
		walk(&w, s->impl->root);
	buf_fini(&w.path);
}

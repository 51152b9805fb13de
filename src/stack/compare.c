/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compare: see mstack/stack_compare.h. A walk along two canonical trees at once. Called by plan, which knows what a difference means.
 */
#include <ctype.h>

#include "mstack/stack_compare.h"
#include "stack/emitter.h"
#include "stack/impl.h"

struct walk {
	stack_difference_fn *fn;
	void *arg;
	struct buf key; /* of where we are */
};

static bool is_plain(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_-+./:@%,", *c))
			return false;
	return *text;
}

/* NULL: nothing is there. */
static char *text_of(const struct node *n)
{
	struct buf out = { 0 };
	const struct emitter e = { .out = &out, .form = EMIT_COMPACT, .literal = true };

	if (!n)
		return NULL;
	if (n->kind == NODE_STRING && is_plain(n->text))
		return xstrdup(n->text);
	emit_tree(&e, n);
	return buf_take(&out);
}

static void tell(const struct walk *w, const struct node *from, const struct node *to)
{
	_cleanup_free_ char *a = text_of(from), *b = text_of(to);

	w->fn(w->arg, &(struct stack_difference){ buf_str(&w->key), a, b });
}

/* environment.DEBUG; labels["com.example.a b"] when the key is no plain word. */
static void enter_key(struct buf *key, const char *word)
{
	const char *end = word;

	while (isalnum((unsigned char)*end) || *end == '_' || *end == '-')
		end++;
	if (end == word || *end) {
		buf_putc(key, '[');
		emit_string(key, word, false);
		buf_putc(key, ']');
	} else {
		buf_printf(key, "%s%s", key->len ? "." : "", word);
	}
}

static void compare(struct walk *w, const struct node *from, const struct node *to);

static void compare_maps(struct walk *w, const struct node *from, const struct node *to)
{
	size_t len = w->key.len;

	for (size_t i = 0; i < from->n; i++) {
		enter_key(&w->key, from->pairs[i].key);
		compare(w, from->pairs[i].value, node_get(to, from->pairs[i].key));
		buf_cut(&w->key, len);
	}
	for (size_t i = 0; i < to->n; i++) {
		if (node_find(from, to->pairs[i].key))
			continue;
		enter_key(&w->key, to->pairs[i].key);
		compare(w, NULL, to->pairs[i].value);
		buf_cut(&w->key, len);
	}
}

/* As they are printed: what a file writes as 80 or "80", and a document as the other one, is one value. */
static bool is_same(const struct node *a, const struct node *b)
{
	_cleanup_free_ char *one = NULL, *other = NULL;

	if (node_equal(a, b))
		return true;
	one = text_of(a);
	other = text_of(b);
	return !strcmp(one, other);
}

/* The next entry of `a` from this one on that `b` does not have. */
static size_t next_alone(const struct node *a, const struct node *b, size_t i)
{
	for (; i < a->n; i++) {
		size_t k = 0;

		while (k < b->n && !is_same(a->items[i], b->items[k]))
			k++;
		if (k == b->n)
			break;
	}
	return i;
}

/* Those that have changed stand in the same order in both, so the first of one is taken for the first of the other. */
static void compare_entries(struct walk *w, const struct node *from, const struct node *to)
{
	size_t i = next_alone(from, to, 0), k = next_alone(to, from, 0), len = w->key.len;
	bool any = false;

	while (i < from->n || k < to->n) {
		const struct node *a = i < from->n ? from->items[i] : NULL;
		const struct node *b = k < to->n ? to->items[k] : NULL;

		buf_printf(&w->key, "[%zu]", b ? k : i);
		compare(w, a, b);
		buf_cut(&w->key, len);
		i = a ? next_alone(from, to, i + 1) : i;
		k = b ? next_alone(to, from, k + 1) : k;
		any = true;
	}
	/* The same ones, in another order or more often. */
	if (!any)
		tell(w, from, to);
}

static bool has_maps(const struct node *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i]->kind == NODE_MAP)
			return true;
	return false;
}

static void compare(struct walk *w, const struct node *from, const struct node *to)
{
	if (from && to && is_same(from, to))
		return;
	if (from && to && from->kind == NODE_MAP && to->kind == NODE_MAP && from->n && to->n)
		compare_maps(w, from, to);
	else if (from && to && from->kind == NODE_LIST && to->kind == NODE_LIST &&
		 (has_maps(from) || has_maps(to)))
		compare_entries(w, from, to);
	else
		tell(w, from, to);
}

void stack_compare(const struct stack *from, const struct stack *to, const char *section,
		   const char *name, stack_difference_fn *fn, void *arg)
{
	struct walk w = { .fn = fn, .arg = arg };
	const struct node *a = node_get(node_get(from->impl->root, section), name);
	const struct node *b = node_get(node_get(to->impl->root, section), name);

	if (a || b)
		compare(&w, a, b);
	buf_fini(&w.key);
}

/* ---- places ---------------------------------------------------------------------------------- */

/* Does the key that is looked for lie at this word or below it? */
static size_t begins(const char *key, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(key, word, len) && (!key[len] || key[len] == '.' || key[len] == '[') ? len
											     : 0;
}

static struct stack_pos place_in(const struct node *n, const char *key, struct stack_pos found)
{
	for (size_t i = 0; n->kind == NODE_MAP && i < n->n; i++) {
		struct buf word = { 0 };
		size_t len;

		enter_key(&word, n->pairs[i].key);
		len = begins(key, buf_str(&word));
		buf_fini(&word);
		if (len) {
			const struct node *below = n->pairs[i].value;

			found = below->pos.line ? below->pos : found;
			return place_in(below, key + len + (key[len] == '.'), found);
		}
	}
	if (n->kind == NODE_LIST && *key == '[') {
		size_t nr = strtoul(key + 1, NULL, 10);
		const char *behind = strchr(key, ']');

		if (nr < n->n && behind) {
			found = n->items[nr]->pos.line ? n->items[nr]->pos : found;
			return place_in(n->items[nr], behind + 1 + (behind[1] == '.'), found);
		}
	}
	return found;
}

struct stack_pos stack_place_of(const struct stack *s, const char *section, const char *name,
				const char *key)
{
	const struct node_pair *pair = node_find(node_get(s->impl->root, section), name);

	return pair ? place_in(pair->value, key, pair->pos) : (struct stack_pos){ 0 };
}

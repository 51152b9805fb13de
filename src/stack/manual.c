/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * manual: the three lists of keys, out of the same tables that the files are read by, so that they cannot say anything else.
 * Called through the public header.
 */
#include "stack/top.h"

/* One key with the way to it; lives on the C stack of the walk. */
struct step {
	const struct step *up;
	const struct key *key;
	const struct key *ruler; /* whose verdict holds: what is below a key that has no effect has none */
};

typedef void visit_fn(void *arg, const struct step *s);

static void walk(const struct step *up, const struct key *key, visit_fn *visit, void *arg)
{
	const struct key *above = up ? up->ruler : &top_key;
	const struct step here = { up, key, above->verdict == KEY_DONE ? key : above };
	const struct key_table *below = key->below;

	if (up)
		visit(arg, &here);
	if (below && below->any)
		walk(&here, below->any, visit, arg);
	for (size_t i = 0; below && i < below->n; i++)
		walk(&here, &below->keys[i], visit, arg);
}

/* services.NAME.ports[].target: entries of a list are written with brackets, unless they have names. */
static void put_path(struct buf *out, const struct step *s)
{
	const struct key *up = s->up->key;

	if (s->up->up) {
		put_path(out, s->up);
		buf_puts(out, (up->kinds & NODE_LIST) && !up->below->any ? "[]." : ".");
	}
	buf_puts(out, s->key->name);
}

struct listing {
	enum verdict verdict;
	struct buf *out; /* NULL: only counted */
	size_t n;
};

static void list_key(void *arg, const struct step *s)
{
	struct listing *l = arg;

	if (s->ruler->verdict != l->verdict || !strcmp(s->key->name, "NAME"))
		return;
	l->n++;
	if (!l->out)
		return;
	put_path(l->out, s);
	if (s->ruler->note)
		buf_printf(l->out, "\t%s", s->ruler->note);
	buf_putc(l->out, '\n');
}

static size_t list(enum stack_verdict verdict, struct buf *out)
{
	static const enum verdict verdicts[] = {
		[STACK_DONE] = KEY_DONE,
		[STACK_ACCEPTED] = KEY_WARN,
		[STACK_REFUSED] = KEY_REFUSE,
	};
	struct listing l = { verdicts[verdict], out, 0 };

	walk(NULL, &top_key, list_key, &l);
	return l.n;
}

void stack_keys_list(enum stack_verdict verdict, struct buf *out)
{
	list(verdict, out);
}

size_t stack_keys_count(enum stack_verdict verdict)
{
	return list(verdict, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reader: complaints with the path of the node in words, and the one walk that enforces the tables
 * of keys. Called by load and all read_*.c. It decides nothing about single keys: that is the
 * table's business.
 */
#include <errno.h>
#include <fcntl.h>

#include "stack/reader.h"

#define SUGGESTIONS_MAX 100
#define DEEPEST		16 /* levels of a path that are shown; compose has no more */

/* ---- complaints ------------------------------------------------------------------------------ */

/*
 * The first two steps name the thing ("service 'web': "), the others are written as a path
 * ("ports[1].target: ").
 */
static void put_where(struct buf *b, const struct where *w)
{
	static const struct {
		const char *section, *noun;
	} nouns[] = {
		{ "services", "service" }, { "networks", "network" }, { "volumes", "volume" },
		{ "secrets", "secret" },   { "configs", "config" },
	};
	const struct where *steps[DEEPEST];
	size_t n = 0, i = 0;

	for (; w && n < DEEPEST; w = w->up)
		steps[n++] = w;
	for (size_t k = 0; n >= 2 && k < ARRAY_LEN(nouns); k++)
		if (steps[n - 1]->key && steps[n - 2]->key &&
		    !strcmp(steps[n - 1]->key, nouns[k].section)) {
			buf_printf(b, "%s '%.64s': ", nouns[k].noun, steps[n - 2]->key);
			i = 2;
			break;
		}
	if (i == n)
		return;
	for (size_t first = i; i < n; i++) {
		const struct where *step = steps[n - 1 - i];

		if (step->key)
			buf_printf(b, "%s%.64s", i > first ? "." : "", step->key);
		else
			buf_printf(b, "[%zu]", step->index);
	}
	buf_puts(b, ": ");
}

static void vreport(struct reader *r, enum stack_severity severity, const struct where *w,
		    struct stack_pos pos, const char *hint, const char *fmt, va_list ap)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	put_where(&text, w);
	buf_vprintf(&text, fmt, ap);
	stack_diag_add(r->diags, severity, pos, hint, "%s", buf_str(&text));
}

void reader_error(struct reader *r, const struct where *w, struct stack_pos pos, const char *hint,
		  const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vreport(r, STACK_ERROR, w, pos, hint, fmt, ap);
	va_end(ap);
}

void reader_warn(struct reader *r, const struct where *w, struct stack_pos pos, const char *fmt,
		 ...)
{
	va_list ap;

	va_start(ap, fmt);
	vreport(r, STACK_WARNING, w, pos, NULL, fmt, ap);
	va_end(ap);
}

const char *reader_place(struct reader *r, struct stack_pos pos)
{
	return diags_place(r->diags, pos, &r->place);
}

const char *reader_suggest(struct reader *r, const char *text, const char *const *names, size_t n)
{
	const char *near = NULL;

	/* Comparing is slow, and of a file with hundreds of errors only the first few are read. */
	if (stack_diags_errors(r->diags) < SUGGESTIONS_MAX)
		near = nearest_name(text, names, n);
	return near ? arena_printf(r->arena, "did you mean '%s'?", near) : NULL;
}

bool reader_check_kind(struct reader *r, const struct where *w, const struct node *n,
		       unsigned kinds)
{
	static const enum node_kind order[] = { NODE_STRING, NODE_NUMBER, NODE_BOOL, NODE_LIST,
						NODE_MAP };
	_cleanup_(buf_fini) struct buf wanted = { 0 };
	bool scalar = n->kind & (NODE_NUMBER | NODE_BOOL);

	/*
	 * A text from variables may stand for a number or a truth value: the reader of the value
	 * looks at it.
	 */
	if ((n->kind & kinds) ||
	    (n->substituted && (kinds & (NODE_STRING | NODE_NUMBER | NODE_BOOL))))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (order[i] & kinds)
			buf_printf(&wanted, "%s%s", wanted.len ? " or " : "",
				   node_kind_text(order[i]));
	reader_error(r, w, n->pos, scalar && (kinds & NODE_STRING) ? "put it in quotes" : NULL,
		     "must be %s, not %s", buf_str(&wanted), node_kind_text(n->kind));
	return false;
}

/* ---- maps along their tables ----------------------------------------------------------------- */

static const struct key *find_key(const struct key_table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++)
		if (!strcmp(table->keys[i].name, name))
			return &table->keys[i];
	return NULL;
}

static void unknown_key(struct reader *r, const struct where *w, const struct node_pair *pair,
			const struct key_table *table)
{
	_cleanup_free_ const char **names = xcalloc(table->n, sizeof(*names));

	for (size_t i = 0; i < table->n; i++)
		names[i] = table->keys[i].name;
	reader_error(r, w, pair->pos, reader_suggest(r, pair->key, names, table->n),
		     "unknown key '%.80s'", pair->key);
}

static void read_pair(struct reader *r, const struct where *w, const struct node_pair *pair,
		      const struct key *key, void *to)
{
	if (pair->value->kind == NODE_NULL || !reader_check_kind(r, w, pair->value, key->kinds))
		return;
	switch (key->verdict) {
	case KEY_DONE:
		key->read(r, w, pair->value, (char *)to + key->offset);
		break;
	case KEY_KNOWN:
		break;
	case KEY_WARN:
		if (strmap_put(&r->warned, (const char *)key, sizeof(*key), 0, NULL))
			reader_warn(r, w, pair->pos, "has no effect: %s", key->note);
		break;
	case KEY_REFUSE:
		reader_error(r, w, pair->pos, key->note, "not supported yet");
		break;
	}
}

void reader_map(struct reader *r, const struct where *w, const struct node *map,
		const struct key_table *table, void *to)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct node_pair *pair = &map->pairs[i];
		const struct key *key = find_key(table, pair->key);
		struct where here = { w, pair->key, 0 };

		if (key)
			read_pair(r, &here, pair, key, to);
		else if (strncmp(pair->key, "x-", 2))
			unknown_key(r, w, pair, table);
	}
}

/* ---- files ----------------------------------------------------------------------------------- */

int reader_file(struct reader *r, const char *path, const char *shown, size_t max)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	struct stack_file file;
	size_t known;

	if (strmap_get(&r->file_index, path, strlen(path), &known))
		return (int)known;
	if (file_read(AT_FDCWD, path, max, &text) < 0)
		return -1;
	file = (struct stack_file){ arena_strdup(r->arena, shown), NULL, text.len };
	file.text = memcpy(arena_alloc(r->arena, text.len + 1), buf_str(&text), text.len);
	path = arena_strdup(r->arena, path);
	strmap_put(&r->file_index, path, strlen(path), r->files.n, NULL);
	vec_push(&r->files, file);
	return (int)diags_add_file(r->diags, file.path, file.text, file.len);
}

int reader_file_error(struct err *err, const char *what, const char *path, size_t max)
{
	if (errno == EINVAL)
		return err_kind(err, ERR_STACK, "%s '%.200s': not a regular file", what, path);
	if (errno == EFBIG)
		return err_kind(err, ERR_STACK, "%s '%.200s': too large: %zu KiB are the most",
				what, path, max >> 10);
	err_sys(err, errno, "%s '%.200s'", what, path);
	err->kind = ERR_STACK;
	return -1;
}

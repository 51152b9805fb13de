/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diag: collects problems with their places, and what is known about a place beforehand. Called by
 * all of the room and, through the public header, by plan. Printing is in diag_print.c.
 */
#include "stack/diag.h"
#include "stack/strmap.h"

#define KEPT_MAX	1000 /* a file with more problems than that is not a stack file */
#define SHOWN_VALUE_MAX 60   /* bytes of a variable's value */

/* Where the variables of the value at a place came from. */
struct origin {
	struct stack_pos pos;
	const struct node_use *uses;
	size_t n_uses;
};

struct stack_diags {
	struct VEC(struct stack_diag) diags; /* sorted by place */
	struct VEC(struct stack_file) files; /* owned; path NULL: a text with `labels` */
	char **labels;			     /* owned; of the lines of the one text */
	size_t n_labels;
	struct VEC(struct origin *) origins;
	struct strmap origin_index; /* by the bytes of pos */
	size_t n_errors;
};

struct stack_diags *stack_diags_new(void)
{
	return xcalloc(1, sizeof(struct stack_diags));
}

void stack_diags_free(struct stack_diags *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->diags.n; i++) {
		free(d->diags.v[i].text);
		free(d->diags.v[i].hint);
		free(d->diags.v[i].source);
	}
	for (size_t i = 0; i < d->files.n; i++) {
		free((char *)d->files.v[i].path);
		free((char *)d->files.v[i].text);
	}
	for (size_t i = 0; i < d->origins.n; i++)
		free(d->origins.v[i]);
	for (size_t i = 0; i < d->n_labels; i++)
		free(d->labels[i]);
	free(d->labels);
	vec_fini(&d->diags);
	vec_fini(&d->files);
	vec_fini(&d->origins);
	strmap_fini(&d->origin_index);
	free(d);
}

size_t stack_diags_errors(const struct stack_diags *d)
{
	return d->n_errors;
}

size_t stack_diags_count(const struct stack_diags *d)
{
	return d->diags.n;
}

const struct stack_diag *stack_diags_get(const struct stack_diags *d, size_t i)
{
	return &d->diags.v[i];
}

void diags_set_told(struct stack_diags *d)
{
	for (size_t i = 0; i < d->diags.n; i++)
		d->diags.v[i].told = true;
}

/* ---- files and places ------------------------------------------------------------------------ */

static uint32_t add(struct stack_diags *d, char *path, const char *text, size_t len)
{
	char *copy = xcalloc(len + 1, 1);

	memcpy(copy, text, len);
	vec_push(&d->files, ((struct stack_file){ path, copy, len }));
	return (uint32_t)d->files.n - 1;
}

uint32_t diags_add_file(struct stack_diags *d, const char *path, const char *text, size_t len)
{
	return add(d, xstrdup(path), text, len);
}

uint32_t diags_add_text(struct stack_diags *d, const struct stack_text *text)
{
	d->labels = xcalloc(text->n_labels + 1, sizeof(*d->labels));
	for (; d->n_labels < text->n_labels; d->n_labels++)
		d->labels[d->n_labels] = xstrdup(text->labels[d->n_labels]);
	return add(d, NULL, text->text, strlen(text->text));
}

const char *diags_label(const struct stack_diags *d, struct stack_pos pos)
{
	bool known = pos.line && pos.line <= d->n_labels && pos.file < d->files.n;

	return known && !d->files.v[pos.file].path ? d->labels[pos.line - 1] : NULL;
}

const char *diags_text(const struct stack_diags *d, uint32_t file)
{
	return d->files.v[file].text;
}

const struct stack_file *diags_file(const struct stack_diags *d, struct stack_pos pos)
{
	bool known = pos.line && pos.file < d->files.n && d->files.v[pos.file].path;

	return known ? &d->files.v[pos.file] : NULL;
}

const char *diags_place(const struct stack_diags *d, struct stack_pos pos, struct buf *scratch)
{
	const struct stack_file *file = diags_file(d, pos);
	const char *label = diags_label(d, pos);

	buf_cut(scratch, 0);
	if (label)
		buf_puts(scratch, label);
	else
		buf_printf(scratch, "%s:%u", file ? file->path : "?", pos.line);
	return scratch->data;
}

/* ---- where values came from ------------------------------------------------------------------ */

/* "PORT is '80x', .env:3; HOST is not set" */
static char *origin_text(const struct stack_diags *d, const struct origin *o)
{
	_cleanup_(buf_fini) struct buf place = { 0 };
	struct buf out = { 0 };

	for (size_t i = 0; i < o->n_uses; i++) {
		const struct node_use *use = &o->uses[i];

		buf_printf(&out, "%s%s is ", i ? "; " : "", use->name);
		if (!use->value) {
			buf_puts(&out, "not set");
			continue;
		}
		buf_printf(&out, strlen(use->value) > SHOWN_VALUE_MAX ? "'%.*s...'" : "'%.*s'",
			   SHOWN_VALUE_MAX, use->value);
		buf_printf(&out, ", %s",
			   use->source.line ? diags_place(d, use->source, &place)
					    : "from the environment");
	}
	return buf_take(&out);
}

static char *find_origin(const struct stack_diags *d, struct stack_pos pos)
{
	size_t i;

	if (!pos.line || !strmap_get(&d->origin_index, (const char *)&pos, sizeof(pos), &i))
		return NULL;
	return origin_text(d, d->origins.v[i]);
}

/*
 * The first one stays; errors that are there already learn of it. Warnings of that time are about variables that are not set
 * and say so themselves.
 */
void diags_set_uses(struct stack_diags *d, struct stack_pos pos, const struct node_use *uses,
		    size_t n)
{
	struct origin *o;
	size_t old;

	if (!n || strmap_get(&d->origin_index, (const char *)&pos, sizeof(pos), &old))
		return;
	o = xcalloc(1, sizeof(*o));
	*o = (struct origin){ .pos = pos, .uses = uses, .n_uses = n };
	strmap_put(&d->origin_index, (const char *)&o->pos, sizeof(o->pos), d->origins.n, NULL);
	vec_push(&d->origins, o);
	for (size_t i = 0; i < d->diags.n; i++) {
		struct stack_diag *diag = &d->diags.v[i];

		if (!diag->source && diag->severity == STACK_ERROR &&
		    !memcmp(&diag->pos, &pos, sizeof(pos)))
			diag->source = origin_text(d, o);
	}
}

/* ---- adding ---------------------------------------------------------------------------------- */

/* Problems without a place come first. */
static bool is_after(struct stack_pos a, struct stack_pos b)
{
	if (!a.line || !b.line)
		return a.line && !b.line;
	if (a.file != b.file)
		return a.file > b.file;
	return a.line != b.line ? a.line > b.line : a.col > b.col;
}

/* Counted even when it is not kept: a thousand and one problems are still no stack. */
/* Where a diagnostic of this place goes: behind all that are not after it. */
static size_t find_place(const struct stack_diags *d, struct stack_pos pos)
{
	size_t i = d->diags.n;

	/* Files are mostly read from top to bottom, so the place is found after a step or two. */
	while (i > 0 && is_after(d->diags.v[i - 1].pos, pos))
		i--;
	return i;
}

/* The same has been said before: of an env file, say, that many services read. */
static bool is_known(const struct stack_diags *d, size_t place, const struct stack_diag *diag)
{
	for (size_t i = place; i > 0 && !is_after(diag->pos, d->diags.v[i - 1].pos); i--)
		if (d->diags.v[i - 1].severity == diag->severity &&
		    !strcmp(d->diags.v[i - 1].text, diag->text))
			return true;
	return false;
}

static void keep(struct stack_diags *d, struct stack_diag diag, const char *hint, const char *fmt,
		 va_list ap)
{
	const struct stack_pos pos = diag.pos;
	size_t place = find_place(d, pos);
	bool is_error = diag.severity == STACK_ERROR;
	struct buf text = { 0 };

	if (d->diags.n >= KEPT_MAX) {
		d->n_errors += is_error;
		return;
	}
	buf_vprintf(&text, fmt, ap);
	diag.text = buf_take(&text);
	if (is_known(d, place, &diag)) {
		free(diag.text);
		return;
	}
	d->n_errors += is_error;
	diag.hint = hint ? xstrdup(hint) : NULL;
	diag.source = find_origin(d, pos);
	vec_push(&d->diags, diag);
	for (size_t i = d->diags.n - 1; i > place; i--)
		d->diags.v[i] = d->diags.v[i - 1];
	d->diags.v[place] = diag;
}

void diags_vadd(struct stack_diags *d, enum stack_severity severity, struct stack_pos pos,
		const char *hint, const char *fmt, va_list ap)
{
	const struct stack_diag diag = { .severity = severity,
					 .pos = pos,
					 .of_words = diags_label(d, pos) != NULL };

	keep(d, diag, hint, fmt, ap);
}

void diags_add_words(struct stack_diags *d, const char *hint, const char *fmt, ...)
{
	const struct stack_diag diag = { .severity = STACK_ERROR, .of_words = true };
	va_list ap;

	va_start(ap, fmt);
	keep(d, diag, hint, fmt, ap);
	va_end(ap);
}

void stack_diag_add(struct stack_diags *d, enum stack_severity severity, struct stack_pos pos,
		    const char *hint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diags_vadd(d, severity, pos, hint, fmt, ap);
	va_end(ap);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* assets: see assets.h. Reads only what the file names, and only when a service takes it. */
#include <errno.h>
#include <fcntl.h>

#include "stack/assets.h"
#include "stack/resource.h"

/* As engines limit them. */
#define SECRET_MAX (500 << 10)
#define CONFIG_MAX (1000 << 10)

/* One entry of a section. */
struct entry {
	const char *section;
	const struct where *w;
	const struct node_pair *pair;
	size_t max;
};

static void keep(struct reader *r, const struct entry *e, const char *data, size_t len)
{
	/* One byte more: whoever takes it for a text shall find its end. */
	char *copy = arena_alloc(r->arena, len + 1);

	memcpy(copy, data, len);
	copy[len] = '\0';
	vec_push(&r->assets, ((struct asset){ e->section, e->pair->key, copy, len }));
}

static void too_long(struct reader *r, const struct entry *e, const struct node *n)
{
	reader_error(r, e->w, n->pos, NULL, "longer than %zu KiB", e->max >> 10);
}

static void unreadable(struct reader *r, const struct entry *e, const struct node *n, int why)
{
	struct err err;

	err_sys(&err, why, "read '%.200s'", n->text);
	reader_error(r, e->w, n->pos, NULL, "%s", err.text);
}

static void read_file(struct reader *r, const struct entry *e, const struct node *n)
{
	_cleanup_(buf_fini) struct buf text = { 0 };

	if (!file_read(AT_FDCWD, n->text, e->max, &text))
		keep(r, e, buf_str(&text), text.len);
	else if (errno == EFBIG)
		too_long(r, e, n);
	else if (errno == EINVAL)
		reader_error(r, e->w, n->pos, "a folder can be bound under 'volumes'",
			     "'%.200s' is not a regular file", n->text);
	else
		unreadable(r, e, n, errno);
}

/* Of the project that the entry stands in, with its env files. */
static void read_variable(struct reader *r, const struct entry *e, const struct node *n)
{
	const char *value = vars_get(reader_vars(r, n->pos), n->text, strlen(n->text));

	if (!value)
		reader_error(r, e->w, n->pos, "export it, or set it in .env",
			     "the variable '%.80s' is not set", n->text);
	else if (strlen(value) > e->max)
		too_long(r, e, n);
	else
		keep(r, e, value, strlen(value));
}

static void read_entry(struct reader *r, const struct entry *e)
{
	const struct node *map = e->pair->value, *file = node_get(map, "file"),
			  *variable = node_get(map, "environment"),
			  *content = node_get(map, "content");

	if (resource_is_external(map) ||
	    (!file && !variable && !content && node_get(map, "driver")))
		reader_forbid(r, e->w, e->pair->pos, "give it a 'file' or an 'environment'",
			      "there is no store of %s here that it could come from", e->section);
	else if (!r->for_run)
		return;
	else if (file)
		read_file(r, e, file);
	else if (variable)
		read_variable(r, e, variable);
	else if (content && strlen(content->text) > e->max)
		too_long(r, e, content);
	else if (content)
		keep(r, e, content->text, strlen(content->text));
}

void assets_read(struct reader *r, const struct node *root)
{
	static const char *const sections[] = { "secrets", "configs" };

	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		const struct node *map = node_get(root, sections[i]);
		const struct where section = { .key = sections[i] };

		for (size_t k = 0; map && k < map->n; k++) {
			const struct node_pair *pair = &map->pairs[k];
			const struct where w = where_key(&section, pair->key, pair->pos);
			const struct entry e = { sections[i], &w, pair,
						 i ? CONFIG_MAX : SECRET_MAX };

			read_entry(r, &e);
		}
	}
}

const struct asset *assets_find(const struct reader *r, const char *section, const char *name)
{
	for (size_t i = 0; i < r->assets.n; i++)
		if (!strcmp(r->assets.v[i].section, section) && !strcmp(r->assets.v[i].name, name))
			return &r->assets.v[i];
	return NULL;
}

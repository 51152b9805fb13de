/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * relocate: see relocate.h. Which values are paths stands in the table below, in the short forms that people write: the forms, which
 * know it otherwise, work on values without variables only.
 */
#include <stdio.h>

#include "stack/form.h"
#include "stack/relocate.h"

enum sort {
	PATH,	 /* always */
	DOTTED,	 /* when it begins with a dot: else it is a name */
	IMAGE,	 /* likewise, and with a variable it is one */
	CONTEXT, /* unless it is an address */
	SHORT,	 /* SOURCE:TARGET, of which the source is DOTTED */
	NAMED,	 /* NAME=CONTEXT */
};

/* * is each value of a map or list. Only texts are looked at, so a form that is none needs no word here. */
static const struct {
	const char *place;
	enum sort sort;
} places[] = {
	{ "services/*/image", IMAGE },
	{ "services/*/env_file", PATH },
	{ "services/*/env_file/*", PATH },
	{ "services/*/env_file/*/path", PATH },
	{ "services/*/label_file", PATH },
	{ "services/*/label_file/*", PATH },
	{ "services/*/build", CONTEXT },
	{ "services/*/build/context", CONTEXT },
	{ "services/*/build/additional_contexts/*", NAMED },
	{ "services/*/volumes/*", SHORT },
	{ "services/*/volumes/*/source", DOTTED },
	{ "services/*/develop/watch/*/path", PATH },
	{ "configs/*/file", PATH },
	{ "secrets/*/file", PATH },
	{ "volumes/*/driver_opts/device", DOTTED },
};

static bool is_dotted(const char *text)
{
	return !strncmp(text, "./", 2) || !strncmp(text, "../", 3) || !strcmp(text, ".") ||
	       !strcmp(text, "..");
}

/* Addresses have a colon, or no host of their own: github.com/team/app. */
static bool is_address(const char *text)
{
	return strchr(text, ':') || !strncmp(text, "github.com/", 11);
}

static bool is_path(enum sort sort, const char *text)
{
	if (!*text || *text == '/' || *text == '~')
		return false;
	if (sort == PATH)
		return true;
	return sort == CONTEXT ? !is_address(text) : is_dotted(text);
}

/* What variables stand for may have dots too, so it is not made shorter with them. */
static char *absolute(struct reader *r, const char *dir, const char *path)
{
	if (!strchr(path, '$'))
		return path_clean(r->arena, dir, path);
	return arena_printf(r->arena, "%s/%s", dir, strncmp(path, "./", 2) ? path : path + 2);
}

static void move(struct reader *r, struct node *n, enum sort sort, const char *dir)
{
	const char *name_end = sort == NAMED && !is_dotted(n->text) ? strchr(n->text, '=') : NULL;
	const char *path = name_end ? name_end + 1 : n->text;
	size_t before = (size_t)(path - n->text), len = strlen(path);
	char *alone;

	if (*path == '$' && sort != IMAGE) {
		reader_warn(
			r, NULL, n->pos,
			"'%.80s' begins with a variable and stays as it is written: a relative path is "
			"meant from '%.200s'",
			path, dir);
		return;
	}
	if (sort == SHORT)
		len = strcspn(path, ":");
	alone = arena_strndup(r->arena, path, len);
	if (is_path(sort == SHORT ? DOTTED : sort == NAMED ? CONTEXT : sort, alone))
		n->text = arena_printf(r->arena, "%.*s%s%s", (int)before, n->text,
				       absolute(r, dir, alone), path + len);
}

static void visit(struct reader *r, struct node *n, const char *place, enum sort sort)
{
	size_t len = strcspn(place, "/");
	const char *rest = place + len + (place[len] == '/');

	if (!n)
		return;
	if (!*place) {
		const char *dir = reader_dir(r, n->pos);

		if (n->kind == NODE_STRING && strcmp(dir, r->stack->dir) != 0)
			move(r, n, sort, dir);
		return;
	}
	if (*place == '*') {
		for (size_t i = 0; n->kind == NODE_LIST && i < n->n; i++)
			visit(r, n->items[i], rest, sort);
		for (size_t i = 0; n->kind == NODE_MAP && i < n->n; i++)
			visit(r, n->pairs[i].value, rest, sort);
		return;
	}
	for (size_t i = 0; n->kind == NODE_MAP && i < n->n; i++)
		if (strlen(n->pairs[i].key) == len && !strncmp(n->pairs[i].key, place, len))
			visit(r, n->pairs[i].value, rest, sort);
}

void relocate(struct reader *r, struct node *tree)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		visit(r, tree, places[i].place, places[i].sort);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * extends: follows a service to the one that it is based on, in this file or another, and merges it over that. Called by
 * assemble for each document. Of another file only the service is taken; its relative paths keep to that file's folder.
 */
#include "stack/extends.h"
#include "stack/documents.h"
#include "stack/keys.h"
#include "stack/merge.h"
#include "stack/sections.h"
#include "stack/substitute.h"
#include "stack/top.h"

#define DEEPEST 1000 /* links of a chain */

/* One file, or document, in which services are looked up. */
struct scope {
	const struct context *context;
	const char *path;				  /* NULL: the document that is assembled */
	bool broken;					  /* it was complained about */
	const struct node *services, *included, *earlier; /* maps, or NULL */
	struct node **done; /* each of `services` once it is resolved */
};

/* The services that led here, for finding circles. */
struct link {
	const struct link *up;
	const struct scope *scope;
	const char *name;
	unsigned depth;
};

/* The attribute, taken apart. */
struct wish {
	const struct node *service, *file; /* file NULL: the same */
};

static struct node *resolve(struct reader *r, const struct scope *scope,
			    const struct node_pair *pair, const struct link *up);

/* clang-format off */
static const struct key extends_rows[] = {
	DONE("file", STR, AS(form_string)),
	DONE("service", STR, AS(form_string)),
};
static const struct key_table extends_keys = TABLE(extends_rows);
/* clang-format on */

static bool read_wish(struct reader *r, const struct where *w, const struct node *n,
		      struct wish *ret)
{
	const struct node *map;

	if (!reader_check_kind(r, w, n, STR | MAP))
		return false;
	if (n->kind != NODE_MAP) {
		ret->service = form_string(r, w, n);
		return ret->service != NULL;
	}
	map = form_map(r, w, n, &extends_keys);
	ret->service = node_get(map, "service");
	ret->file = node_get(map, "file");
	if (!node_get(n, "service"))
		reader_error(r, w, n->pos, NULL, "'service' is missing");
	return ret->service && (ret->file || !node_get(n, "file"));
}

/* ---- files ----------------------------------------------------------------------------------- */

static void set_services(struct reader *r, struct scope *s, const struct node *tree)
{
	const struct node *services = node_get(tree, "services");

	if (!services || services->kind != NODE_MAP)
		return;
	s->services = services;
	s->done = arena_array(r->arena, struct node *, services->n);
}

static struct context *make_context(struct reader *r, const char *path, struct vars *vars)
{
	struct context *c = arena_alloc(r->arena, sizeof(*c));
	size_t len = (size_t)(strrchr(path, '/') - path);

	*c = (struct context){ arena_strndup(r->arena, path, len ? len : 1), vars };
	return c;
}

/*
 * All documents of the file as one. The tags of the first stay: a service there may take away what it inherits itself.
 */
static struct node *join(struct reader *r, const struct scope *s, const struct node_items *docs)
{
	struct node *all = NULL;

	for (size_t i = 0; i < docs->n; i++) {
		substitute(r, s->context->vars, NULL, docs->v[i]);
		all = i ? merge(r, NULL, &top_key, all, docs->v[i]) : docs->v[i];
	}
	return all;
}

/* The other file, read once; it is interpolated with the variables of the project that asks. */
static const struct scope *open_file(struct reader *r, const struct where *w,
				     const struct context *from, const struct node *file)
{
	const char *path = path_clean(r->arena, reader_dir(r, file->pos), file->text);
	const char *key = arena_printf(r->arena, "%p:%s", (const void *)from->vars, path);
	size_t errors = stack_diags_errors(r->diags), at;
	struct node_items docs = { 0 };
	struct scope *s;
	struct err err;

	if (strmap_get(&r->extended_index, key, strlen(key), &at))
		return r->extended.v[at];
	s = arena_alloc(r->arena, sizeof(*s));
	*s = (struct scope){ .context = make_context(r, path, from->vars), .path = path };
	if (documents_read(r, s->context, path, &docs, &err) < 0) {
		reader_error(r, w, file->pos, NULL, "%s", err.text);
		return NULL;
	}
	set_services(r, s, join(r, s, &docs));
	s->broken = stack_diags_errors(r->diags) > errors;
	vec_fini(&docs);
	strmap_put(&r->extended_index, key, strlen(key), r->extended.n, NULL);
	vec_push(&r->extended, s);
	return s;
}

/* ---- finding a base -------------------------------------------------------------------------- */

static bool is_circle(struct reader *r, const struct where *w, const struct wish *wish,
		      const struct scope *scope, const struct link *up)
{
	if (up->depth >= DEEPEST) {
		reader_error(r, w, wish->service->pos, NULL, "a chain of more than %d services",
			     DEEPEST);
		return true;
	}
	for (; up; up = up->up)
		if (scope == up->scope && !strcmp(up->name, wish->service->text)) {
			reader_error(r, w, wish->service->pos, NULL,
				     "a cycle: '%.64s' would extend itself in the end",
				     wish->service->text);
			return true;
		}
	return false;
}

static const char *suggest(struct reader *r, const struct node *services, const char *name)
{
	_cleanup_free_ const char **names = NULL;
	size_t n = services ? services->n : 0;

	if (!n || n > SERVICES_MAX)
		return NULL;
	names = xcalloc(n, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = services->pairs[i].key;
	return reader_suggest(r, name, names, n);
}

/* compose looks into the same file only, even where an earlier one has a service of this name. */
static void complain_missing(struct reader *r, const struct where *w, const struct scope *scope,
			     const struct wish *wish)
{
	const struct node_pair *other = node_find(scope->earlier, wish->service->text);
	const char *hint = suggest(r, scope->services, wish->service->text);

	if (other)
		hint = arena_printf(r->arena, "there is one at %s: give its file with 'file'",
				    reader_place(r, other->pos));
	reader_error(r, w, wish->service->pos, hint, "no such service: '%.64s' in %.200s",
		     wish->service->text, wish->file ? wish->file->text : "this file");
}

/* The service that is extended, complete; NULL with an error. */
static struct node *find_base(struct reader *r, const struct where *w, const struct link *link,
			      const struct wish *wish)
{
	const struct scope *scope = link->scope;
	const struct node_pair *pair;
	struct node *included;

	if (wish->file)
		scope = open_file(r, w, scope->context, wish->file);
	if (!scope || scope->broken || is_circle(r, w, wish, scope, link))
		return NULL;
	pair = node_find(scope->services, wish->service->text);
	if (pair)
		return resolve(r, scope, pair, link);
	included = node_get(scope->included, wish->service->text);
	if (!included)
		complain_missing(r, w, scope, wish);
	return included;
}

/* ---- services -------------------------------------------------------------------------------- */

static struct node *without_extends(struct reader *r, const struct node *n)
{
	struct node_pairs pairs = { 0 };

	for (size_t i = 0; i < n->n; i++)
		if (strcmp(n->pairs[i].key, "extends") != 0)
			node_pairs_put(&pairs, n->pairs[i].key, n->pairs[i].pos, n->pairs[i].value);
	return node_map_done(r->arena, n->pos, &pairs);
}

/* A service as it stands when nothing is wrong, so that one mistake is told once. */
static struct node *extend(struct reader *r, const struct scope *scope,
			   const struct node_pair *pair, const struct link *up)
{
	const struct where section = { .key = "services" };
	const struct where service = where_key(&section, pair->key, pair->pos);
	const struct node_pair *extends = node_find(pair->value, "extends");
	struct link link = { up, scope, pair->key, up ? up->depth + 1 : 0 };
	struct node *own, *base = NULL;
	struct wish wish = { 0 };
	struct where here;

	if (!extends || extends->value->kind == NODE_NULL)
		return pair->value;
	here = where_key(&service, "extends", extends->pos);
	own = without_extends(r, pair->value);
	if (read_wish(r, &here, extends->value, &wish))
		base = find_base(r, &here, &link, &wish);
	if (base)
		own = merge(r, &service, &service_key, merge(r, &service, &service_key, NULL, base),
			    own);
	own->tag = pair->value->tag;
	return own;
}

/* Each service once, however many extend it. */
static struct node *resolve(struct reader *r, const struct scope *scope,
			    const struct node_pair *pair, const struct link *up)
{
	struct node **done = &scope->done[pair - scope->services->pairs];

	if (!*done)
		*done = extend(r, scope, pair, up);
	return *done;
}

struct node *extends_apply(struct reader *r, const struct context *c, struct node *doc,
			   const struct node *included, const struct node *earlier)
{
	struct scope scope = { .context = c,
			       .included = node_get(included, "services"),
			       .earlier = node_get(earlier, "services") };
	struct node_pairs all = { 0 }, top = { 0 };
	struct node *out;

	set_services(r, &scope, doc);
	if (!scope.services || scope.services->n > SERVICES_MAX)
		return doc;
	for (size_t i = 0; i < scope.services->n; i++) {
		const struct node_pair *pair = &scope.services->pairs[i];

		node_pairs_put(&all, pair->key, pair->pos, resolve(r, &scope, pair, NULL));
	}
	out = node_map_done(r->arena, scope.services->pos, &all);
	out->tag = scope.services->tag;
	for (size_t i = 0; i < doc->n; i++)
		node_pairs_put(&top, doc->pairs[i].key, doc->pairs[i].pos,
			       strcmp(doc->pairs[i].key, "services") ? doc->pairs[i].value : out);
	return node_map_done(r->arena, doc->pos, &top);
}

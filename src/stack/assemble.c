/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * assemble: the order of work between reading and checking, and `include`: another project is assembled with a folder and
 * variables of its own, and what it defines is put below the document that asks for it. Called by load.
 */
#include <limits.h>
#include <unistd.h>

#include "stack/assemble.h"
#include "stack/documents.h"
#include "stack/extends.h"
#include "stack/keys.h"
#include "stack/merge.h"
#include "stack/substitute.h"
#include "stack/top.h"

#define INCLUDES_DEEPEST 16
#define INCLUDES_MAX	 1000

/* The files that led here, for finding circles. */
struct trail {
	const struct trail *up;
	const char *path;
	unsigned depth;
};

static struct node *assemble_in(struct reader *r, const struct context *c,
				const struct node_items *docs, const struct trail *trail);

/* ---- one entry of include -------------------------------------------------------------------- */

/* clang-format off */
static const struct key include_rows[] = {
	DONE("env_file", STR | LST, AS(form_strings)),
	DONE("path", STR | LST, AS(form_strings)),
	DONE("project_directory", STR, AS(form_string)),
};
static const struct key_table include_keys = TABLE(include_rows);
/* clang-format on */

/* What an entry asks for; a string alone is its path. */
struct wish {
	const struct node *paths, *env_files; /* lists; env_files may be NULL */
	const char *dir;
	struct stack_pos pos;
};

static bool read_wish(struct reader *r, const struct where *w, const struct node *n,
		      struct wish *ret)
{
	const struct node *map = NULL;

	/* Found wanting, the entry is left out, and the others are still looked at. */
	*ret = (struct wish){ .pos = n->pos };
	if (!reader_check_kind(r, w, n, STR | MAP))
		return false;
	if (n->kind == NODE_MAP)
		map = form_map(r, w, n, &include_keys);
	ret->paths = map ? node_get(map, "path") : form_strings(r, w, n);
	ret->env_files = node_get(map, "env_file");
	ret->dir = node_text(map, "project_directory");
	if (!ret->paths || !ret->paths->n)
		reader_error(r, w, n->pos, NULL, "'path' is missing");
	return ret->paths && ret->paths->n;
}

/* ---- the included project -------------------------------------------------------------------- */

static void read_env_file(struct reader *r, const struct context *c, const struct where *w,
			  const char *path, struct stack_pos pos, bool required)
{
	struct err err;

	if (documents_read_env(r, c, path, required, &err) < 0)
		reader_error(r, w, pos, NULL, "%s", err.text);
}

/* Its folder is that of its first file, its variables are `.env` there: unless the entry says otherwise. */
static struct context *make_context(struct reader *r, const struct context *from,
				    const struct where *w, const struct wish *wish)
{
	struct context *c = arena_alloc(r->arena, sizeof(*c));
	const char *base = reader_dir(r, wish->pos);
	char *first = path_clean(r->arena, base, wish->paths->items[0]->text);

	c->vars = arena_alloc(r->arena, sizeof(*c->vars));
	*c->vars = (struct vars){ .common = from->vars->common, .parent = from->vars };
	vec_push(&r->included, c->vars);
	if (wish->dir) {
		c->dir = path_clean(r->arena, base, wish->dir);
	} else {
		*strrchr(first, '/') = '\0';
		c->dir = *first ? first : "/";
	}
	for (size_t i = 0; wish->env_files && i < wish->env_files->n; i++)
		read_env_file(r, c, w, path_clean(r->arena, base, wish->env_files->items[i]->text),
			      wish->env_files->items[i]->pos, true);
	/* An empty list is as good as none, as in compose. */
	if (!wish->env_files || !wish->env_files->n)
		read_env_file(r, c, w, arena_printf(r->arena, "%s/.env", c->dir), wish->pos, false);
	return c;
}

/* Files that include each other twice are no circle, but double at each level. */
static bool are_too_many(struct reader *r, const struct where *w, struct stack_pos pos)
{
	if (r->included.n < INCLUDES_MAX)
		return false;
	if (!stack_diags_errors(r->diags))
		reader_error(r, w, pos, NULL, "more than %d includes altogether", INCLUDES_MAX);
	return true;
}

/* Only the first file of an entry counts, as in compose: the others are its overrides. */
static bool is_circle(struct reader *r, const struct where *w, const struct node *item,
		      const char *path, const struct trail *trail)
{
	if (trail->depth >= INCLUDES_DEEPEST) {
		reader_error(r, w, item->pos, NULL, "includes more than %d levels deep",
			     INCLUDES_DEEPEST);
		return true;
	}
	for (; trail; trail = trail->up)
		if (trail->path && !strcmp(trail->path, path)) {
			reader_error(r, w, item->pos, NULL,
				     "a cycle: '%.200s' would include itself in the end",
				     item->text);
			return true;
		}
	return false;
}

/* A project of its own, as one tree; paths of the entry itself belong to the file that includes. */
static struct node *load_entry(struct reader *r, const struct context *from, const struct where *w,
			       const struct node *n, const struct trail *up)
{
	struct node_items docs = { 0 };
	struct trail trail = { up, NULL, up->depth + 1 };
	struct context *c;
	struct wish wish;
	struct node *out;
	struct err err;

	if (!read_wish(r, w, n, &wish) || are_too_many(r, w, n->pos))
		return NULL;
	c = make_context(r, from, w, &wish);
	for (size_t i = 0; i < wish.paths->n; i++) {
		const struct node *item = wish.paths->items[i];
		const char *path = path_clean(r->arena, reader_dir(r, wish.pos), item->text);

		if (!i)
			trail.path = path;
		if (is_circle(r, w, item, path, up))
			break;
		if (documents_read(r, c, path, &docs, &err) < 0)
			reader_error(r, w, item->pos, NULL, "%s", err.text);
	}
	out = assemble_in(r, c, &docs, &trail);
	vec_fini(&docs);
	return out;
}

/* ---- putting it in --------------------------------------------------------------------------- */

static const char *const sections[] = { "services", "networks", "volumes",
					"configs",  "secrets",	"models" };

/* Of two includes neither is the later one: a name that both have must mean the same. */
static struct node *join_section(struct reader *r, const char *section, const struct node *to,
				 const struct node *from)
{
	const struct where top = { .key = section };
	struct node_pairs all = { 0 };

	for (size_t i = 0; to && i < to->n; i++)
		node_pairs_put(&all, to->pairs[i].key, to->pairs[i].pos, to->pairs[i].value);
	for (size_t i = 0; i < from->n; i++) {
		const struct node_pair *pair = &from->pairs[i];
		const struct node_pair *first = node_pairs_find(&all, pair->key);
		const struct where here = where_key(&top, pair->key, pair->pos);

		if (!first)
			node_pairs_put(&all, pair->key, pair->pos, pair->value);
		else if (!node_equal(first->value, pair->value))
			reader_error(r, &here, pair->pos, "rename one of the two",
				     "is included twice and differs, first at %s",
				     reader_place(r, first->pos));
	}
	return node_map_done(r->arena, from->pos, &all);
}

/* Of the other keys only those go along that nobody knows: they are complained about with all others. */
static struct node *join(struct reader *r, const struct node *to, const struct node *from)
{
	struct node_pairs all = { 0 };

	for (size_t i = 0; to && i < to->n; i++)
		node_pairs_put(&all, to->pairs[i].key, to->pairs[i].pos, to->pairs[i].value);
	for (size_t i = 0; i < from->n; i++) {
		const struct node_pair *pair = &from->pairs[i];
		const struct where top = where_key(NULL, pair->key, pair->pos);
		bool known = key_find(top_key.below, pair->key) || !strncmp(pair->key, "x-", 2);
		struct node *value = pair->value;

		if (text_is_one_of(pair->key, sections, ARRAY_LEN(sections))) {
			if (!reader_check_kind(r, &top, value, NUL | MAP) || value->kind == NUL)
				continue;
			value = join_section(r, pair->key, node_get(to, pair->key), value);
		} else if (known) {
			continue;
		}
		node_pairs_put(&all, pair->key, pair->pos, value);
	}
	return node_map_done(r->arena, from->pos, &all);
}

/* compose merges what the file says itself over what it includes; the specification wants to hear of it. */
static void warn_section(struct reader *r, const char *section, const struct node *theirs,
			 const struct node *ours)
{
	const struct where top = { .key = section };
	struct strmap index = { 0 };
	size_t at;

	for (size_t i = 0; i < theirs->n; i++)
		strmap_put(&index, theirs->pairs[i].key, strlen(theirs->pairs[i].key), i, NULL);
	for (size_t i = 0; i < ours->n; i++) {
		const struct node_pair *pair = &ours->pairs[i], *other;
		const struct where here = where_key(&top, pair->key, pair->pos);

		if (pair->value->kind == NODE_NULL || pair->value->tag != NODE_MERGE ||
		    !strmap_get(&index, pair->key, strlen(pair->key), &at))
			continue;
		other = &theirs->pairs[at];
		if (!node_equal(other->value, pair->value))
			reader_warn(r, &here, pair->pos,
				    "is merged over the one that is included from %s",
				    reader_place(r, other->pos));
	}
	strmap_fini(&index);
}

static void warn_conflicts(struct reader *r, const struct node *included, const struct node *doc)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
		const struct node *theirs = node_get(included, sections[i]),
				  *ours = node_get(doc, sections[i]);

		if (theirs && ours && ours->kind == NODE_MAP && ours->tag == NODE_MERGE)
			warn_section(r, sections[i], theirs, ours);
	}
}

/* All that the document includes, as one tree; NULL: nothing. */
static struct node *load_includes(struct reader *r, const struct context *c, const struct node *doc,
				  const struct trail *trail)
{
	const struct node_pair *pair = node_find(doc, "include");
	const struct node *n = pair ? pair->value : NULL;
	struct where w = where_in(NULL, "include");
	struct node *all = NULL;

	if (!n || n->kind == NODE_NULL || !reader_check_kind(r, &w, n, LST))
		return NULL;
	for (size_t i = 0; i < n->n; i++) {
		struct where here = where_item(&w, i);
		struct node *one = load_entry(r, c, &here, n->items[i], trail);

		if (one)
			all = join(r, all, one);
	}
	return all;
}

/* ---- the order of work ----------------------------------------------------------------------- */

/* What it asked for is in the tree by then; a second reader of the output must not do it again. */
static struct node *without_include(struct reader *r, struct node *doc)
{
	struct node_pairs all = { 0 };

	if (!node_find(doc, "include"))
		return doc;
	for (size_t i = 0; i < doc->n; i++)
		if (strcmp(doc->pairs[i].key, "include") != 0)
			node_pairs_put(&all, doc->pairs[i].key, doc->pairs[i].pos,
				       doc->pairs[i].value);
	return node_map_done(r->arena, doc->pos, &all);
}

/* Options change services that are there: one that is not is told by its name, and not by what it lacks. */
static bool is_about_nothing(const struct reader *r, const struct node *model,
			     const struct node *doc)
{
	const struct node *named = node_get(doc, "services");

	if (!model || !r->text_file || doc->pos.file != r->text_file - 1)
		return false;
	for (size_t i = 0; named && i < named->n; i++)
		if (!node_get(node_get(model, "services"), named->pairs[i].key))
			return true;
	return false;
}

/*
 * Each document in turn over what came before. What it includes lies below it, so its tags take away from that as well, and
 * its services may extend those that are included, but not those of earlier files: so does compose.
 */
static struct node *assemble_in(struct reader *r, const struct context *c,
				const struct node_items *docs, const struct trail *trail)
{
	struct node *model = NULL;

	for (size_t i = 0; i < docs->n; i++) {
		struct node *doc = docs->v[i], *included, *earlier;

		if (!reader_check_kind(r, NULL, doc, MAP))
			continue;
		if (is_about_nothing(r, model, doc))
			continue;
		substitute(r, c->vars, NULL, doc);
		included = load_includes(r, c, doc, trail);
		doc = without_include(r, doc);
		earlier = model = merge_reset(r, model, doc);
		if (included) {
			warn_conflicts(r, included, doc);
			included = merge_reset(r, included, doc);
			model = merge(r, NULL, &top_key, model, included);
		}
		doc = extends_apply(r, c, doc, included, earlier);
		model = merge(r, NULL, &top_key, model, doc);
	}
	return model;
}

struct node *assemble(struct reader *r, const struct context *c, const struct node_items *docs)
{
	struct trail trail = { 0 };
	char cwd[PATH_MAX];

	/* Standard input has no path that could be included: this one is no file's. */
	if (docs->n && getcwd(cwd, sizeof(cwd)))
		trail.path = path_clean(r->arena, cwd, r->files.v[docs->v[0]->pos.file].path);
	return assemble_in(r, c, docs, &trail);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * yaml: libyaml's events become nodes with places; anchors are shared, merge keys folded in, limits
 * kept. Called by load with a text that is in memory already. It knows nothing of compose: keys and
 * kinds are looked at later.
 */
#include <yaml.h>

#include "stack/diag.h"
#include "stack/encoding.h"
#include "stack/reader.h"
#include "stack/syntax.h"
#include "stack/tags.h"
#include "stack/yaml.h"

struct anchor {
	struct node *node;
	bool open; /* its node is still being read: an alias to it would be a circle */
};

struct reading {
	yaml_parser_t parser;
	struct arena *arena;
	struct stack_diags *diags;
	uint32_t file;
	const char *text;
	size_t len;
	bool plain_lines; /* libyaml counts lines as an editor does */
	struct encoding_cursor cursor;
	struct strmap names; /* of anchors, to an index below */
	struct VEC(struct anchor) anchors;
	size_t events, weight, bytes; /* of all documents */
	const struct where *at;	      /* the map or list that is being read; NULL: the top */
};

/* A map that is being read; merges are folded in when it is complete. */
struct map_parts {
	struct VEC(struct node_pair) pairs;
	struct strmap keys;
	struct node *merged; /* the value of `<<`, or NULL */
	struct stack_pos merged_pos;
};

static void map_parts_fini(struct map_parts *m)
{
	vec_fini(&m->pairs);
	strmap_fini(&m->keys);
}

static struct stack_pos pos_of(struct reading *r, yaml_mark_t mark)
{
	if (!r->plain_lines)
		return encoding_find(&r->cursor, mark.index);
	return (struct stack_pos){ r->file, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1 };
}

static void MSTACK_PRINTF(3, 4)
	complain(struct reading *r, struct stack_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diags_vadd(r->diags, STACK_ERROR, pos, NULL, fmt, ap);
	va_end(ap);
}

/* With the place in words: for what is wrong with one key or value. */
static void MSTACK_PRINTF(3, 4)
	complain_here(struct reading *r, struct stack_pos pos, const char *fmt, ...)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	va_list ap;

	where_text(&text, r->at);
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	complain(r, pos, "%s", buf_str(&text));
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool next_event(struct reading *r, yaml_event_t *ev)
{
	if (!yaml_parser_parse(&r->parser, ev)) {
		syntax_complain(r->diags, r->file, r->text, r->len, &r->parser);
		return false;
	}
	if (++r->events <= 2 * YAML_NODES_MAX)
		return true;
	complain(r, pos_of(r, ev->start_mark), "too large: more than %d YAML events",
		 2 * YAML_NODES_MAX);
	yaml_event_delete(ev);
	return false;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static struct node *read_value(struct reading *r, yaml_event_t *ev, unsigned depth);

/* False: the tree would be too large with its aliases written out. */
static bool add_weight(struct reading *r, struct node *to, const struct node *child)
{
	if (to->weight + child->weight > YAML_NODES_MAX) {
		complain(r, to->pos, "too large: more than %d nodes once its aliases are expanded",
			 YAML_NODES_MAX);
		return false;
	}
	to->weight += child->weight;
	return true;
}

/*
 * SIZE_MAX: the node has no anchor. A name may be used again; aliases mean the last one before
 * them.
 */
static size_t open_anchor(struct reading *r, const yaml_char_t *name, struct node *node)
{
	size_t i = r->anchors.n;
	const char *text;

	if (!name)
		return SIZE_MAX;
	text = arena_strdup(r->arena, (const char *)name);
	if (strmap_put(&r->names, text, strlen(text), i, &i))
		vec_push(&r->anchors, ((struct anchor){ 0 }));
	r->anchors.v[i] = (struct anchor){ node, true };
	return i;
}

static struct node *read_alias(struct reading *r, const yaml_event_t *ev)
{
	const char *name = (const char *)ev->data.alias.anchor;
	struct stack_pos pos = pos_of(r, ev->start_mark);
	size_t i;

	if (!strmap_get(&r->names, name, strlen(name), &i)) {
		complain_here(r, pos, "alias '*%.60s': there is no anchor '&%.60s' before it", name,
			      name);
		return NULL;
	}
	if (r->anchors.v[i].open) {
		complain_here(
			r, pos,
			"alias '*%.60s': it stands inside its own anchor, which would never end",
			name);
		return NULL;
	}
	return r->anchors.v[i].node;
}

/* False: the tag cannot stand here. */
static bool apply_tag(struct reading *r, struct node *node, const yaml_char_t *tag, bool plain)
{
	const char *why = tags_apply(node, (const char *)tag, plain);
	_cleanup_(buf_fini) struct buf shown = { 0 };

	if (why)
		complain_here(r, node->pos, "tag '%s': %s", tags_show((const char *)tag, &shown),
			      why);
	return !why;
}

static struct node *new_node(struct reading *r, enum node_kind kind, const yaml_event_t *ev)
{
	return node_new(r->arena, kind, pos_of(r, ev->start_mark), NULL);
}

/* NULL: it was complained about. */
static const char *scalar_text(struct reading *r, const yaml_event_t *ev)
{
	const char *text = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;

	if (len > YAML_SCALAR_MAX)
		complain(r, pos_of(r, ev->start_mark),
			 "a text of %zu bytes: more than %u are not taken", len, YAML_SCALAR_MAX);
	else if (memchr(text, '\0', len))
		complain(r, pos_of(r, ev->start_mark), "a NUL byte inside of a text");
	else if ((r->bytes += len) > YAML_TEXT_MAX)
		complain(r, pos_of(r, ev->start_mark), "too large: more than %u MiB of text",
			 YAML_TEXT_MAX >> 20);
	else
		return arena_strndup(r->arena, text, len);
	return NULL;
}

static bool is_plain(const yaml_event_t *ev)
{
	return ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static struct node *read_scalar(struct reading *r, const yaml_event_t *ev)
{
	const char *text = scalar_text(r, ev);
	struct node *node;
	size_t anchor;

	if (!text)
		return NULL;
	node = new_node(r, NODE_STRING, ev);
	node->text = text;
	if (!apply_tag(r, node, ev->data.scalar.tag, is_plain(ev)))
		return NULL;
	anchor = open_anchor(r, ev->data.scalar.anchor, node);
	if (anchor != SIZE_MAX)
		r->anchors.v[anchor].open = false;
	return node;
}

static struct node *read_list(struct reading *r, const yaml_event_t *start, unsigned depth)
{
	struct node *list = new_node(r, NODE_LIST, start), *item;
	size_t anchor = open_anchor(r, start->data.sequence_start.anchor, list);
	struct VEC(struct node *) items = { 0 };
	yaml_event_t ev;
	bool ok = true;

	while (ok && (ok = next_event(r, &ev)) && ev.type != YAML_SEQUENCE_END_EVENT) {
		struct where here = where_item(r->at, items.n);

		r->at = &here;
		item = read_value(r, &ev, depth + 1);
		r->at = here.up;
		ok = item && add_weight(r, list, item);
		if (ok)
			vec_push(&items, item);
	}
	if (ok) {
		yaml_event_delete(&ev);
		list->n = items.n;
		list->items = arena_array(r->arena, struct node *, items.n);
		for (size_t i = 0; i < items.n; i++)
			list->items[i] = items.v[i];
		ok = apply_tag(r, list, start->data.sequence_start.tag, false);
	}
	if (anchor != SIZE_MAX)
		r->anchors.v[anchor].open = false;
	vec_fini(&items);
	return ok ? list : NULL;
}

/* ---- maps ------------------------------------------------------------------------------------ */

/* Takes over the pairs whose keys are not there yet. */
static bool merge_map(struct reading *r, struct node *to, struct map_parts *m,
		      const struct node *from)
{
	if (from->kind != NODE_MAP) {
		complain_here(r, m->merged_pos,
			      "merge key '<<': it takes a map or a list of maps, not %s",
			      from->kind == NODE_NULL ? "nothing" : node_kind_text(from->kind));
		return false;
	}
	for (size_t i = 0; i < from->n; i++) {
		const struct node_pair *pair = &from->pairs[i];

		if (!strmap_put(&m->keys, pair->key, strlen(pair->key), m->pairs.n, NULL))
			continue;
		if (!add_weight(r, to, pair->value))
			return false;
		vec_push(&m->pairs, *pair);
	}
	return true;
}

/* When the map is complete: its own keys win wherever they stand. */
static bool merge_all(struct reading *r, struct node *to, struct map_parts *m)
{
	const struct node *from = m->merged;

	if (!from)
		return true;
	if (from->kind != NODE_LIST)
		return merge_map(r, to, m, from);
	for (size_t i = 0; i < from->n; i++)
		if (!merge_map(r, to, m, from->items[i]))
			return false;
	return true;
}

/*
 * A key is one word; an alias to one is as good. Most have neither tag nor anchor: they get no node
 * of their own. NULL: it was complained about.
 */
static const char *read_key(struct reading *r, yaml_event_t *ev, unsigned depth)
{
	struct stack_pos pos = pos_of(r, ev->start_mark);
	const struct node *key;
	const char *text = NULL;

	if (ev->type == YAML_SCALAR_EVENT && !ev->data.scalar.anchor && !ev->data.scalar.tag) {
		if (!ev->data.scalar.length && is_plain(ev))
			complain_here(r, pos, "there is no key before this ':'");
		else
			text = scalar_text(r, ev);
		yaml_event_delete(ev);
		return text;
	}
	key = read_value(r, ev, depth);
	if (!key)
		return NULL;
	if (key->kind & (NODE_LIST | NODE_MAP))
		complain_here(r, pos, "a key must be a word, not %s", node_kind_text(key->kind));
	else if (key->tag != NODE_MERGE)
		complain_here(r, pos, "tags !reset and !override belong to a value, not to a key");
	else
		text = key->text;
	return text;
}

static void put_pair(struct reading *r, struct map_parts *m, const struct node_pair *pair)
{
	size_t first;

	if (strmap_put(&m->keys, pair->key, strlen(pair->key), m->pairs.n, &first))
		vec_push(&m->pairs, *pair);
	else
		complain_here(r, pair->pos,
			      "key '%.60s' stands twice in this map, first in line %u", pair->key,
			      m->pairs.v[first].pos.line);
}

/* Folded in later, see merge_all. */
static void put_merge(struct reading *r, struct map_parts *m, struct node *value,
		      struct stack_pos key_pos, struct stack_pos value_pos)
{
	if (m->merged) {
		complain_here(r, key_pos, "key '<<' stands twice in this map: use one with a list");
		return;
	}
	m->merged = value;
	m->merged_pos = value_pos;
}

static bool read_pair(struct reading *r, struct node *map, struct map_parts *m, yaml_event_t *ev,
		      unsigned depth)
{
	bool merge = ev->type == YAML_SCALAR_EVENT && is_plain(ev) &&
		     !strcmp((const char *)ev->data.scalar.value, "<<");
	struct node_pair pair = { .pos = pos_of(r, ev->start_mark) };
	struct stack_pos value_pos;
	struct where here;

	pair.key = read_key(r, ev, depth + 1);
	if (!pair.key || !next_event(r, ev))
		return false;
	value_pos = pos_of(r, ev->start_mark);
	here = where_key(r->at, pair.key, pair.pos);
	/* What is merged in stands for keys of this map, not below a key of its own. */
	r->at = merge ? r->at : &here;
	pair.value = read_value(r, ev, depth + 1);
	r->at = here.up;
	if (!pair.value || !add_weight(r, map, pair.value))
		return false;
	if (merge)
		put_merge(r, m, pair.value, pair.pos, value_pos);
	else
		put_pair(r, m, &pair);
	return true;
}

static struct node *read_map(struct reading *r, const yaml_event_t *start, unsigned depth)
{
	_cleanup_(map_parts_fini) struct map_parts m = { 0 };
	struct node *map = new_node(r, NODE_MAP, start);
	size_t anchor = open_anchor(r, start->data.mapping_start.anchor, map);
	yaml_event_t ev;
	bool ok = true;

	while (ok && (ok = next_event(r, &ev)) && ev.type != YAML_MAPPING_END_EVENT)
		ok = read_pair(r, map, &m, &ev, depth);
	if (ok) {
		yaml_event_delete(&ev);
		ok = merge_all(r, map, &m);
	}
	if (ok) {
		map->n = m.pairs.n;
		map->pairs = arena_array(r->arena, struct node_pair, m.pairs.n);
		for (size_t i = 0; i < m.pairs.n; i++)
			map->pairs[i] = m.pairs.v[i];
		ok = apply_tag(r, map, start->data.mapping_start.tag, false);
	}
	if (anchor != SIZE_MAX)
		r->anchors.v[anchor].open = false;
	return ok ? map : NULL;
}

/*
 * Consumes the event and, for lists and maps, all up to the end of it. NULL: it was complained
 * about.
 */
static struct node *read_value(struct reading *r, yaml_event_t *ev, unsigned depth)
{
	struct node *node = NULL;

	if (depth > YAML_DEPTH_MAX)
		complain(r, pos_of(r, ev->start_mark), "nested too deeply: more than %d levels",
			 YAML_DEPTH_MAX);
	else if (ev->type == YAML_ALIAS_EVENT)
		node = read_alias(r, ev);
	else if (ev->type == YAML_SCALAR_EVENT)
		node = read_scalar(r, ev);
	else if (ev->type == YAML_SEQUENCE_START_EVENT)
		node = read_list(r, ev, depth);
	else
		node = read_map(r, ev, depth);
	yaml_event_delete(ev);
	return node;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* One document, its start is read already. False: there is no going on. */
static bool read_document(struct reading *r, struct node_items *docs)
{
	struct node *root;
	yaml_event_t ev;

	if (!next_event(r, &ev))
		return false;
	root = read_value(r, &ev, 1);
	if (!root)
		return false;
	r->weight += root->weight;
	if (r->weight > YAML_NODES_MAX) {
		complain(r, root->pos, "too large: more than %d nodes in all documents",
			 YAML_NODES_MAX);
		return false;
	}
	if (root->kind != NODE_NULL || root->tag != NODE_MERGE)
		vec_push(docs, root);
	return true;
}

static bool read_stream(struct reading *r, struct node_items *docs)
{
	size_t first = docs->n;
	bool more = true;
	yaml_event_t ev;

	while (more && next_event(r, &ev)) {
		bool document = ev.type == YAML_DOCUMENT_START_EVENT;

		more = ev.type != YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
		if (document && !read_document(r, docs))
			return false;
	}
	if (more)
		return false;
	if (docs->n == first)
		complain(r, (struct stack_pos){ r->file, 1, 1 },
			 "the file is empty: it needs at least `services`");
	return docs->n > first;
}

static bool check_tag_lines(struct reading *r)
{
	static const char tag[] = "\n%TAG";
	const char *s = r->text, *end = r->text + r->len;

	for (size_t n = 1; (s = memmem(s, (size_t)(end - s), tag, sizeof(tag) - 1)); n++) {
		s++;
		if (n < YAML_TAG_LINES_MAX)
			continue;
		complain(r, encoding_place(r->file, r->text, (size_t)(s - r->text)),
			 "more than %d lines of %%TAG", YAML_TAG_LINES_MAX);
		return false;
	}
	return true;
}

static bool read_text(struct reading *r, struct node_items *docs)
{
	size_t first = docs->n;
	bool ok;

	if (!yaml_parser_initialize(&r->parser)) {
		complain(r, (struct stack_pos){ r->file, 1, 1 }, "no memory for the YAML parser");
		return false;
	}
	/* Told the encoding, libyaml does not guess, and skips no mark of it either. */
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)r->text, r->len);
	ok = read_stream(r, docs);
	/* What stands before a slip may not be what it would be without it. */
	if (!ok)
		docs->n = first;
	yaml_parser_delete(&r->parser);
	strmap_fini(&r->names);
	vec_fini(&r->anchors);
	return ok;
}

bool yaml_parse(struct arena *arena, struct stack_diags *diags, uint32_t file, const char *text,
		size_t len, struct node_items *docs)
{
	size_t errors = stack_diags_errors(diags);
	struct reading r = { .arena = arena, .diags = diags, .file = file };

	r.text = encoding_text(diags, file, text, &len);
	if (!r.text)
		return false;
	r.len = len;
	r.plain_lines = encoding_plain_lines(r.text, len);
	r.cursor = (struct encoding_cursor){ .text = r.text, .len = len, .file = file };
	return check_tag_lines(&r) && read_text(&r, docs) && stack_diags_errors(diags) == errors;
}

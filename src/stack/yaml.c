/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * yaml: libyaml's events become nodes with places; anchors are shared, merge keys folded in, limits
 * kept. Called by load with a text that is in memory already. It knows nothing of compose: keys and
 * kinds are looked at later.
 */
#include <yaml.h>

#include "stack/diag.h"
#include "stack/strmap.h"
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
	struct strmap names; /* of anchors, to an index below */
	struct VEC(struct anchor) anchors;
	size_t events;
};

/* A map that is being read; merges are folded in when it is complete. */
struct map_parts {
	struct VEC(struct node_pair) pairs;
	struct VEC(struct node *) merges;
	struct strmap keys;
};

static void map_parts_fini(struct map_parts *m)
{
	vec_fini(&m->pairs);
	vec_fini(&m->merges);
	strmap_fini(&m->keys);
}

static struct stack_pos pos_of(const struct reading *r, yaml_mark_t mark)
{
	return (struct stack_pos){ r->file, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1 };
}

/* For what libyaml, or we, know only by its distance from the start of the text. */
static struct stack_pos pos_of_offset(const struct reading *r, size_t offset)
{
	struct stack_pos pos = { r->file, 1, 1 };

	for (size_t i = 0; i < offset && i < r->len; i++)
		if (r->text[i] == '\n') {
			pos.line++;
			pos.col = 1;
		} else if (((unsigned char)r->text[i] & 0xc0) != 0x80) {
			pos.col++;
		}
	return pos;
}

static void MSTACK_PRINTF(3, 4)
	complain(struct reading *r, struct stack_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	diags_vadd(r->diags, STACK_ERROR, pos, NULL, fmt, ap);
	va_end(ap);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void complain_syntax(struct reading *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem ? p->problem : "not YAML";

	if (p->error == YAML_READER_ERROR)
		complain(r, pos_of_offset(r, p->problem_offset), "not YAML: %s", problem);
	else if (p->context)
		complain(r, pos_of(r, p->problem_mark), "not YAML: %s (%s that began in line %zu)",
			 problem, p->context, p->context_mark.line + 1);
	else
		complain(r, pos_of(r, p->problem_mark), "not YAML: %s", problem);
}

static bool next_event(struct reading *r, yaml_event_t *ev)
{
	if (!yaml_parser_parse(&r->parser, ev)) {
		complain_syntax(r);
		return false;
	}
	if (++r->events <= YAML_NODES_MAX)
		return true;
	complain(r, pos_of(r, ev->start_mark), "too large: more than %d YAML events",
		 YAML_NODES_MAX);
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
		complain(r, pos, "alias '*%.60s': there is no anchor '&%.60s' before it", name,
			 name);
		return NULL;
	}
	if (r->anchors.v[i].open) {
		complain(r, pos,
			 "alias '*%.60s': it stands inside its own anchor, which would never end",
			 name);
		return NULL;
	}
	return r->anchors.v[i].node;
}

/*
 * The tags of YAML's own schema are kept or ignored, all others mean something that we would get
 * wrong.
 */
static bool check_tag(struct reading *r, struct stack_pos pos, const yaml_char_t *tag)
{
	static const char prefix[] = "tag:yaml.org,2002:";

	if (!tag || !strncmp((const char *)tag, prefix, sizeof(prefix) - 1) ||
	    !strcmp((const char *)tag, "!"))
		return true;
	if (!strcmp((const char *)tag, "!reset") || !strcmp((const char *)tag, "!override"))
		complain(r, pos, "tag '%s': not supported yet", (const char *)tag);
	else
		complain(r, pos, "tag '%.60s': unknown", (const char *)tag);
	return false;
}

static enum node_kind scalar_kind(const yaml_event_t *ev, const char *text)
{
	const char *tag = (const char *)ev->data.scalar.tag;

	if (tag && !strcmp(tag, YAML_NULL_TAG))
		return NODE_NULL;
	if (tag && !strcmp(tag, YAML_BOOL_TAG))
		return NODE_BOOL;
	if (tag && (!strcmp(tag, YAML_INT_TAG) || !strcmp(tag, YAML_FLOAT_TAG)))
		return NODE_NUMBER;
	if (tag || ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return NODE_STRING;
	return node_plain_kind(text);
}

static struct node *new_node(struct reading *r, enum node_kind kind, const yaml_event_t *ev)
{
	struct node *node = arena_alloc(r->arena, sizeof(*node));

	node->kind = kind;
	node->weight = 1;
	node->pos = pos_of(r, ev->start_mark);
	return node;
}

static struct node *read_scalar(struct reading *r, const yaml_event_t *ev)
{
	const char *text = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length, anchor;
	struct node *node = new_node(r, NODE_STRING, ev);

	if (!check_tag(r, node->pos, ev->data.scalar.tag))
		return NULL;
	if (len > YAML_SCALAR_MAX) {
		complain(r, node->pos, "a text of %zu bytes: more than %u are not taken", len,
			 YAML_SCALAR_MAX);
		return NULL;
	}
	if (memchr(text, '\0', len)) {
		complain(r, node->pos, "a NUL byte inside of a text");
		return NULL;
	}
	node->text = arena_strndup(r->arena, text, len);
	node->kind = scalar_kind(ev, node->text);
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
	bool ok = check_tag(r, list->pos, start->data.sequence_start.tag);

	while (ok && (ok = next_event(r, &ev)) && ev.type != YAML_SEQUENCE_END_EVENT) {
		item = read_value(r, &ev, depth + 1);
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
		complain(r, from->pos, "merge key '<<': it takes a map or a list of maps, not %s",
			 node_kind_text(from->kind));
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

static bool merge_all(struct reading *r, struct node *to, struct map_parts *m)
{
	for (size_t i = 0; i < m->merges.n; i++) {
		const struct node *from = m->merges.v[i];

		if (from->kind != NODE_LIST) {
			if (!merge_map(r, to, m, from))
				return false;
			continue;
		}
		for (size_t k = 0; k < from->n; k++)
			if (!merge_map(r, to, m, from->items[k]))
				return false;
	}
	return true;
}

/* A key is one word; an alias to one is as good. NULL: it was complained about. */
static const struct node *read_key(struct reading *r, yaml_event_t *ev, unsigned depth,
				   bool *ret_merge)
{
	struct stack_pos pos = pos_of(r, ev->start_mark);
	const struct node *key;

	*ret_merge = ev->type == YAML_SCALAR_EVENT &&
		     ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
		     !strcmp((const char *)ev->data.scalar.value, "<<");
	key = read_value(r, ev, depth);
	if (key && (key->kind == NODE_LIST || key->kind == NODE_MAP)) {
		complain(r, pos, "a key must be a word, not %s", node_kind_text(key->kind));
		return NULL;
	}
	return key;
}

static bool read_pair(struct reading *r, struct node *map, struct map_parts *m, yaml_event_t *ev,
		      unsigned depth)
{
	struct stack_pos pos = pos_of(r, ev->start_mark);
	bool merge;
	const struct node *key = read_key(r, ev, depth + 1, &merge);
	struct node *value;
	size_t first;

	if (!key || !next_event(r, ev))
		return false;
	value = read_value(r, ev, depth + 1);
	if (!value || !add_weight(r, map, value))
		return false;
	if (merge && !m->merges.n) {
		vec_push(&m->merges, value);
		return true;
	}
	if (merge) {
		complain(r, pos, "key '<<' stands twice in this map: use one with a list");
		return true;
	}
	if (strmap_put(&m->keys, key->text, strlen(key->text), m->pairs.n, &first)) {
		vec_push(&m->pairs, ((struct node_pair){ key->text, pos, value }));
	} else {
		complain(r, pos, "key '%.60s' stands twice in this map, first in line %u",
			 key->text, m->pairs.v[first].pos.line);
	}
	return true;
}

static struct node *read_map(struct reading *r, const yaml_event_t *start, unsigned depth)
{
	_cleanup_(map_parts_fini) struct map_parts m = { 0 };
	struct node *map = new_node(r, NODE_MAP, start);
	size_t anchor = open_anchor(r, start->data.mapping_start.anchor, map);
	yaml_event_t ev;
	bool ok = check_tag(r, map->pos, start->data.mapping_start.tag);

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

static struct node *read_stream(struct reading *r)
{
	struct node *root = NULL;
	yaml_event_t ev;
	bool more = next_event(r, &ev);

	for (; more && ev.type != YAML_STREAM_END_EVENT; more = next_event(r, &ev)) {
		bool document = ev.type == YAML_DOCUMENT_START_EVENT;
		struct stack_pos pos = pos_of(r, ev.start_mark);

		yaml_event_delete(&ev);
		if (!document)
			continue;
		if (root) {
			complain(r, pos, "several documents in one file: not supported yet");
			return root;
		}
		if (!next_event(r, &ev))
			return NULL;
		root = read_value(r, &ev, 1);
		if (!root)
			return NULL;
	}
	if (!more)
		return NULL;
	yaml_event_delete(&ev);
	if (!root)
		complain(r, (struct stack_pos){ r->file, 1, 1 },
			 "the file is empty: it needs at least `services`");
	return root;
}

struct node *yaml_parse(struct arena *arena, struct stack_diags *diags, uint32_t file,
			const char *text, size_t len)
{
	size_t bom = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
	struct reading r = {
		.arena = arena,
		.diags = diags,
		.file = file,
		.text = text + bom,
		.len = len - bom,
	};
	const char *nul = memchr(r.text, '\0', r.len);
	struct node *root = NULL;

	if (nul) {
		complain(&r, pos_of_offset(&r, (size_t)(nul - r.text)),
			 "a NUL byte: this is not a text file");
		return NULL;
	}
	if (!yaml_parser_initialize(&r.parser)) {
		complain(&r, (struct stack_pos){ file, 1, 1 }, "no memory for the YAML parser");
		return NULL;
	}
	/*
	 * Told the encoding, libyaml does not guess UTF-16, and does not skip the mark of UTF-8
	 * either.
	 */
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)r.text, r.len);
	root = read_stream(&r);
	yaml_parser_delete(&r.parser);
	strmap_fini(&r.names);
	vec_fini(&r.anchors);
	return root;
}

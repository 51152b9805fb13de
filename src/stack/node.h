/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node: the tree that a YAML file becomes, each node with its place. Made by yaml.c, its texts replaced once by the
 * interpolation, merged into other trees by merge.c, and brought to its canonical form by the form_*.c files, which make new
 * nodes and leave the old ones as they are. An alias is the same node in two places of the tree.
 */
#ifndef STACK_NODE_H
#define STACK_NODE_H

#include "mstack/stack.h"
#include "stack/strmap.h"

enum node_kind {
	NODE_NULL = 1,
	NODE_BOOL = 2,
	NODE_NUMBER = 4,
	NODE_STRING = 8,
	NODE_LIST = 16,
	NODE_MAP = 32,
};

/* compose's own tags: what becomes of the same place in the files before. */
enum node_tag { NODE_MERGE, NODE_RESET, NODE_OVERRIDE };

struct node_pair {
	const char *key;
	struct stack_pos pos;	/* of the key */
	struct node *value;
};

/* A variable that stands in a text, and where its value came from. */
struct node_use {
	const char *name, *value;	/* value NULL: not set */
	struct stack_pos source;	/* line 0: the process environment, or nowhere */
};

struct node {
	enum node_kind kind;
	enum node_tag tag;
	bool visited;		/* by the interpolation: shared nodes are done once */
	bool substituted;	/* the text came from variables: it may stand for a number or a truth value */
	uint32_t weight;	/* nodes below and with this one, aliases counted each time */
	struct stack_pos pos;	/* line 0: a default, in no file */
	const char *text;	/* of a scalar, as it was written; "" for lists and maps */
	int64_t number;		/* what a form understood: an integer, bytes, ns, thousandths; 1 for true */
	const struct node_use *uses;	/* of variables, in the order of the text */
	uint32_t n_uses;
	uint32_t n;			/* of items or pairs */
	struct node **items;		/* NODE_LIST */
	struct node_pair *pairs;	/* NODE_MAP */
};

/* What an unquoted scalar is, as compose reads it: YAML 1.2 words, so that `no` and `22:22` are strings. */
enum node_kind node_plain_kind(const char *text);
/* "a list", "a number": for messages. */
const char *node_kind_text(enum node_kind kind);
const struct node_pair *node_find(const struct node *map, const char *key);
/* The value of a key, or NULL; also when map is NULL or no map. */
struct node *node_get(const struct node *map, const char *key);
/* Is the key there, and not empty? */
bool node_given(const struct node *map, const char *key);
/* The text of a scalar below a key, or NULL. */
const char *node_text(const struct node *map, const char *key);

/* New nodes, in the arena. A copy shares what is below it. */
struct node *node_new(struct arena *arena, enum node_kind kind, struct stack_pos pos, const char *text);
struct node *node_copy(struct arena *arena, const struct node *from);
struct node *node_bool(struct arena *arena, struct stack_pos pos, bool value);
/* A list or map that grows while it is built; `done` keeps it in the arena as the node. */
struct node_items VEC(struct node *);
struct node_pairs {
	struct VEC(struct node_pair) list;
	struct strmap index;
};
struct node *node_list_done(struct arena *arena, struct stack_pos pos, struct node_items *items);
struct node *node_map_done(struct arena *arena, struct stack_pos pos, struct node_pairs *pairs);
/* Puts a pair in, or replaces the value of the one with this key (and its place). */
void node_pairs_put(struct node_pairs *pairs, const char *key, struct stack_pos pos, struct node *value);
/* The pair of a key that was put in, or NULL; valid until the next one is. */
const struct node_pair *node_pairs_find(const struct node_pairs *pairs, const char *key);
/* A copy of a map with this key set, behind the keys that come before it in the alphabet. */
struct node *node_with(struct arena *arena, const struct node *map, const char *key, struct node *value);
/* Nodes below and with this one, shared ones each time; stops counting when it is over max. */
size_t node_count(const struct node *n, size_t max);
/* Bytes of all keys and texts, likewise; may be a little more than max when it is too much. */
size_t node_text_bytes(const struct node *n, size_t max);
/* Same kinds, same texts, same keys in any order. */
bool node_equal(const struct node *a, const struct node *b);

#endif

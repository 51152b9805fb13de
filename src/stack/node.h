/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node: the tree that a YAML file becomes, each node with its place. Made by yaml.c, its texts replaced once by the
 * interpolation, only looked at by everyone after that. An alias is the same node in two places of the tree.
 */
#ifndef STACK_NODE_H
#define STACK_NODE_H

#include "mstack/stack.h"

enum node_kind {
	NODE_NULL = 1,
	NODE_BOOL = 2,
	NODE_NUMBER = 4,
	NODE_STRING = 8,
	NODE_LIST = 16,
	NODE_MAP = 32,
};

struct node_pair {
	const char *key;
	struct stack_pos pos;	/* of the key */
	struct node *value;
};

struct node {
	enum node_kind kind;
	bool visited;		/* by the interpolation: shared nodes are done once */
	bool substituted;	/* the text came from variables: it may stand for a number or a truth value */
	uint32_t weight;	/* nodes below and with this one, aliases counted each time */
	struct stack_pos pos;
	const char *text;	/* of a scalar, as it was written */
	size_t n;
	struct node **items;		/* NODE_LIST */
	struct node_pair *pairs;	/* NODE_MAP */
};

/* What an unquoted scalar is, as compose reads it: YAML 1.2 words, so that `no` and `22:22` are strings. */
enum node_kind node_plain_kind(const char *text);
/* "a list", "a number": for messages. */
const char *node_kind_text(enum node_kind kind);
const struct node_pair *node_find(const struct node *map, const char *key);

#endif

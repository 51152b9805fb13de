/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tags: YAML's own tags force a kind, compose's two say how a value merges, all others mean
 * something that we would get wrong. Called by yaml. Pure.
 */
#include "stack/tags.h"

#define OWN "tag:yaml.org,2002:"

static bool is_integer(const char *text)
{
	bool hex = strlen(text) > 2 && strchr("xX", text[1 + (*text == '-' || *text == '+')]);

	return node_plain_kind(text) == NODE_NUMBER && (hex || !text[strcspn(text, ".eE")]);
}

static bool is_text(const char *text)
{
	(void)text;
	return true;
}

static bool is_number(const char *text)
{
	return node_plain_kind(text) == NODE_NUMBER;
}

static bool is_truth(const char *text)
{
	return node_plain_kind(text) == NODE_BOOL;
}

static bool is_null(const char *text)
{
	return node_plain_kind(text) == NODE_NULL;
}

static const struct {
	const char *name;
	unsigned on;	     /* kinds that it may stand on */
	enum node_kind kind; /* what it makes of a scalar */
	bool (*fits)(const char *text);
	const char *why;
} own_tags[] = {
	{ "str", NODE_STRING, NODE_STRING, is_text, NULL },
	{ "int", NODE_STRING, NODE_NUMBER, is_integer, "what stands behind it is no whole number" },
	{ "float", NODE_STRING, NODE_NUMBER, is_number, "what stands behind it is no number" },
	{ "bool", NODE_STRING, NODE_BOOL, is_truth,
	  "what stands behind it is neither true nor false" },
	{ "null", NODE_STRING, NODE_NULL, is_null, "what stands behind it is not empty" },
	/* A date stays the text that it was written as. */
	{ "timestamp", NODE_STRING, NODE_STRING, is_text, NULL },
	{ "merge", NODE_STRING, NODE_STRING, is_text, NULL },
	{ "seq", NODE_LIST, NODE_LIST, NULL, NULL },
	{ "omap", NODE_LIST, NODE_LIST, NULL, NULL },
	{ "pairs", NODE_LIST, NODE_LIST, NULL, NULL },
	{ "map", NODE_MAP, NODE_MAP, NULL, NULL },
	{ "set", NODE_MAP, NODE_MAP, NULL, NULL },
};

static const char *apply_own(struct node *n, const char *name, unsigned on)
{
	if (!strcmp(name, "binary"))
		return "there is no binary data in a stack file";
	if (!strcmp(name, "reset") || !strcmp(name, "override"))
		return "write it with one exclamation mark";
	for (size_t i = 0; i < ARRAY_LEN(own_tags); i++) {
		if (strcmp(own_tags[i].name, name) != 0)
			continue;
		if (own_tags[i].on != on)
			return on == NODE_STRING ? "it is not for a single value"
			       : on == NODE_LIST ? "it is not for a list"
						 : "it is not for a map";
		if (own_tags[i].fits && !own_tags[i].fits(n->text))
			return own_tags[i].why;
		n->kind = own_tags[i].kind;
		return NULL;
	}
	return "unknown";
}

const char *tags_apply(struct node *n, const char *tag, bool plain)
{
	unsigned on = n->kind & (NODE_LIST | NODE_MAP) ? n->kind : NODE_STRING;

	if (on == NODE_STRING)
		n->kind = plain && (!tag || strcmp(tag, "!") != 0) ? node_plain_kind(n->text)
								   : NODE_STRING;
	if (!tag || !strcmp(tag, "!"))
		return NULL;
	if (!strcmp(tag, "!override")) {
		n->tag = NODE_OVERRIDE;
		return NULL;
	}
	if (!strcmp(tag, "!reset")) {
		n->tag = NODE_RESET;
		n->kind = NODE_NULL;
		n->text = "";
		n->n = 0;
		return NULL;
	}
	return strncmp(tag, OWN, strlen(OWN)) ? "unknown" : apply_own(n, tag + strlen(OWN), on);
}

const char *tags_show(const char *tag, struct buf *scratch)
{
	bool own = !strncmp(tag, OWN, strlen(OWN));

	buf_cut(scratch, 0);
	buf_printf(scratch, "%s%.60s", own ? "!!" : "", own ? tag + strlen(OWN) : tag);
	return scratch->data;
}

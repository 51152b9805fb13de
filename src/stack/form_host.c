/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_host: what goes into the container's hosts file and resolv.conf: `extra_hosts`, in its three spellings, becomes a list of
 * NAME=ADDRESS; `dns` a list of addresses; names of `links` and aliases are words that fit there. Called through the tables of
 * keys.
 */
#include "stack/attributes.h"
#include "stack/port_text.h"

#define HOST_LONGEST 253

/* ---- extra_hosts ----------------------------------------------------------------------------- */

/* In the order of the file: of several addresses the first is tried first. */
struct host_list {
	struct node_items items;
	struct strmap seen;
};

/* It becomes a line of /etc/hosts, so it must be one word; names with _ are in use. */
static bool is_host(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f || strchr("#:=/[]", name[i]))
			return false;
	return len && len <= HOST_LONGEST;
}

/* The address without its brackets; NULL: it is none. `host-gateway` is the host as the container sees it. */
static const char *address(struct reader *r, const char *text)
{
	size_t len = strlen(text);

	if (len > 2 && text[0] == '[' && text[len - 1] == ']')
		text = arena_strndup(r->arena, text + 1, len - 2);
	return !*text || !strcmp(text, "host-gateway") || port_address(text) ? text : NULL;
}

/* Without an address, as a variable leaves it that is not set, it passes compose's `config`. */
static void add_host(struct reader *r, const struct where *w, const struct node *n,
		     const char *name, size_t len, const char *text, struct host_list *list)
{
	const char *ip = address(r, text), *line;

	if (!is_host(name, len)) {
		reader_error(r, w, n->pos, NULL, "'%.*s' is not a host name",
			     len < 80 ? (int)len : 80, name);
		return;
	}
	if (!*text)
		reader_refuse(r, w, n->pos, NULL, "'%.*s' without an address",
			      len < 80 ? (int)len : 80, name);
	if (!ip) {
		reader_error(r, w, n->pos, NULL, "'%.60s' is not an IP address", text);
		return;
	}
	line = arena_printf(r->arena, "%.*s=%s", (int)len, name, ip);
	if (strmap_put(&list->seen, line, strlen(line), 0, NULL))
		vec_push(&list->items, form_part(r, n, line));
}

/* ADDRESS[,ADDRESS...]: compose takes several of them in one text. */
static void add_addresses(struct reader *r, const struct where *w, const struct node *n,
			  const char *name, size_t len, const char *text, struct host_list *list)
{
	char *rest = arena_strdup(r->arena, text), *one;

	while ((one = strsep(&rest, ",")))
		add_host(r, w, n, name, len, one, list);
}

/* NAME=ADDRESS or NAME:ADDRESS: an address may hold colons, a name neither of the two. */
static void add_line(struct reader *r, const struct where *w, const struct node *n,
		     struct host_list *list)
{
	size_t len = strcspn(n->text, "=:");

	if (n->text[len])
		add_addresses(r, w, n, n->text, len, n->text + len + 1, list);
	else
		reader_error(r, w, n->pos, NULL, "'%.80s' is not a host; write NAME=ADDRESS",
			     n->text);
}

/*
 * A name may have several addresses, most often one of each family: then one entry for each, as
 * /etc/hosts has one line for each.
 */
static void add_named(struct reader *r, const struct where *w, const struct node_pair *pair,
		      struct host_list *list)
{
	const struct node *value = pair->value;
	size_t len = strlen(pair->key);

	if (!reader_check_kind(r, w, value, NODE_STRING | NODE_LIST))
		return;
	if (value->kind != NODE_LIST)
		add_addresses(r, w, value, pair->key, len, value->text, list);
	for (size_t i = 0; value->kind == NODE_LIST && i < value->n; i++) {
		const struct where here = { w, NULL, i, { 0 } };

		if (reader_check_kind(r, &here, value->items[i], NODE_STRING))
			add_host(r, &here, value->items[i], pair->key, len, value->items[i]->text,
				 list);
	}
}

/* Map and list are brought to one list here as merging does it, because most files are never merged. */
FORM(form_hosts)
{
	struct host_list list = { 0 };

	for (size_t i = 0; n->kind == NODE_MAP && i < n->n; i++) {
		const struct where here = { w, n->pairs[i].key, 0, n->pairs[i].pos };

		add_named(r, &here, &n->pairs[i], &list);
	}
	for (size_t i = 0; n->kind == NODE_LIST && i < n->n; i++) {
		const struct where here = { w, NULL, i, { 0 } };

		if (reader_check_kind(r, &here, n->items[i], NODE_STRING))
			add_line(r, &here, n->items[i], &list);
	}
	strmap_fini(&list.seen);
	return node_list_done(r->arena, n->pos, &list.items);
}

/* ---- dns ------------------------------------------------------------------------------------- */

/* compose takes any text, and the container fails to start; only emptiness is let through to there. */
FORM(form_addresses)
{
	struct node *all = form_set(r, w, n);

	for (size_t i = 0; i < all->n; i++) {
		const struct where here = { w, NULL, i, { 0 } };
		const struct node *item = all->items[i];

		if (!*item->text)
			reader_refuse(r, w, item->pos, NULL, "an empty address");
		else if (!port_address(item->text))
			reader_error(r, n->kind == NODE_LIST ? &here : w, item->pos, NULL,
				     "'%.60s' is not an IP address", item->text);
	}
	return all;
}

/* They stand on a line with others of their kind, and a blank would make two of one. */
static bool is_word(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return false;
	return true;
}

FORM(form_resolv_words)
{
	struct node *all = form_set(r, w, n);

	for (size_t i = 0; i < all->n; i++) {
		const struct where here = where_item(w, i);
		const struct node *item = all->items[i];

		if (!*item->text)
			reader_refuse(r, &here, item->pos, NULL, "an empty word");
		else if (!is_word(item->text))
			reader_error(
				r, n->kind == NODE_LIST ? &here : w, item->pos, NULL,
				"'%.60s' is not one word: resolv.conf would take it for several",
				item->text);
	}
	return all;
}

/* ---- further names of services ----------------------------------------------------------------- */

FORM(form_host_names)
{
	struct node *all = form_set(r, w, n);

	for (size_t i = 0; i < all->n; i++) {
		const struct where here = where_item(w, i);
		const struct node *item = all->items[i];

		if (!is_host(item->text, strlen(item->text)))
			reader_error(r, &here, item->pos, NULL, "'%.80s' is not a host name",
				     item->text);
	}
	return all;
}

/* SERVICE or SERVICE:ALIAS. That the service is there is found where dependencies are. */
static bool is_link(const char *text)
{
	size_t len = strcspn(text, ":");
	const char *alias = text[len] ? text + len + 1 : text;

	return len && is_host(alias, strlen(alias));
}

FORM(form_links)
{
	struct node *all = form_set(r, w, n);
	struct node_items items = { 0 };

	for (size_t i = 0; i < all->n; i++) {
		const struct where here = where_item(w, i);

		if (is_link(all->items[i]->text))
			vec_push(&items, all->items[i]);
		else
			reader_error(r, &here, all->items[i]->pos, NULL,
				     "'%.80s' is not a link; write SERVICE or SERVICE:ALIAS",
				     all->items[i]->text);
	}
	return node_list_done(r->arena, n->pos, &items);
}

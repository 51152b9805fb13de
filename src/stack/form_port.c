/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_port: `ports` of a service, short and long, become one map for each port; and `expose`.
 * Called through the table of service keys. The grammar itself is port_text's. Ranges are expanded
 * here and not later, because ports that stand twice are found by their numbers. Ports that two
 * services want are crosscheck_net's.
 */
#include <ctype.h>
#include <stdio.h>

#include "stack/attributes.h"
#include "stack/keys.h"
#include "stack/port_text.h"

#define PORTS_MAX 16384 /* of all services, after expansion of ranges */
#define GRAMMAR	  "write [[IP:]HOST:]CONTAINER[/tcp|udp]"

/* One entry, whichever form it had; nodes are NULL for what it does not say. */
struct entry {
	const struct node *n; /* in the file */
	const char *text;     /* what it is called in messages */
	struct port_text port;
	struct node *app_protocol, *host_ip, *mode, *name, *protocol, *published;
	const struct node *map; /* of the long form */
};

struct port_list {
	struct node_items items;
	struct strmap seen;
};

/* ---- what both forms have -------------------------------------------------------------------- */

/*
 * What the rooms below cannot do yet. It is read and printed all the same, so that a file can be
 * looked at and taken elsewhere.
 */
static void refuse(struct reader *r, const struct where *w, const struct entry *e)
{
	if (!strcmp(e->port.protocol, "sctp"))
		reader_refuse(r, w, e->n->pos, NULL, "protocol 'sctp'");
}

/* The number that is to blame is named: in a range it is hard to see. */
static void complain(struct reader *r, const struct where *w, const struct entry *e,
		     enum port_fault fault)
{
	const struct port_text *p = &e->port;
	unsigned highest = p->target.last > p->published.last ? p->target.last : p->published.last;
	int len = p->part_len < 60 ? (int)p->part_len : 60;

	if (fault == PORT_SHAPE)
		reader_error(r, w, e->n->pos, NULL, "'%.80s' is not a port; " GRAMMAR, e->text);
	else if (fault == PORT_ADDRESS)
		reader_error(r, w, e->n->pos, NULL, "'%.*s' is not an IP address; " GRAMMAR, len,
			     p->part);
	else if (fault == PORT_PROTOCOL)
		reader_error(r, w, e->n->pos, NULL,
			     "'%.*s' is not a protocol; write tcp, udp or sctp", len, p->part);
	else if (fault == PORT_NUMBER)
		reader_error(r, w, e->n->pos, NULL, "'%.80s': %u is not a port number (1 to 65535)",
			     e->text, highest > UINT16_MAX ? highest : 0);
	else
		reader_error(r, w, e->n->pos, NULL, "'%.80s': the two ranges must be equally long",
			     e->text);
}

/* What was not given is not printed. */
static void put(struct node_pairs *out, const char *key, struct stack_pos pos, struct node *value)
{
	if (value)
		node_pairs_put(out, key, pos, value);
}

/*
 * `published` of the port with this number in the entry's range, or NULL. A string, as compose has
 * it, because a range of the host for one port stays a range; its number is the first port, or 0.
 */
static struct node *published(struct reader *r, const struct entry *e, unsigned i)
{
	const struct port_text *p = &e->port;
	const struct node *from = e->published ? e->published : e->n;
	struct node *out;

	if (!p->published_given)
		return NULL;
	if (p->published.last > p->published.first && p->target.first == p->target.last)
		out = form_part(
			r, from,
			arena_printf(r->arena, "%u-%u", p->published.first, p->published.last));
	else
		out = form_part(r, from,
				arena_printf(r->arena, "%u",
					     p->published.first ? p->published.first + i : 0));
	out->number = p->published.first ? p->published.first + i : 0;
	return out;
}

/*
 * Identical ports are kept once, as compose does: a file and its override often say the same. 0.0.0.0
 * is what no address means, and publishing one port on both would fail.
 */
static bool is_new(struct reader *r, struct port_list *list, const struct entry *e, unsigned target,
		   const struct node *host_port)
{
	const char *ip = strcmp(e->port.ip, "0.0.0.0") != 0 ? e->port.ip : "";
	const char *key = arena_printf(r->arena, "%s|%s|%u/%s", ip,
				       host_port ? host_port->text : "", target, e->port.protocol);

	return strmap_put(&list->seen, key, strlen(key), 0, NULL);
}

/* Keys of others and of ours: the table has looked at those that it knows. */
static void put_foreign(struct node_pairs *out, const struct node *map)
{
	for (size_t i = 0; map && i < map->n; i++)
		if (!strncmp(map->pairs[i].key, "x-", 2))
			node_pairs_put(out, map->pairs[i].key, map->pairs[i].pos,
				       map->pairs[i].value);
}

/* One map for each number of the ranges; defaults that are in no file have no place. */
static void add_port(struct reader *r, const struct entry *e, unsigned i, struct port_list *list)
{
	struct node *host_port = published(r, e, i), *target;
	struct stack_pos pos = e->n->pos, nowhere = { 0 };
	unsigned number = e->port.target.first + i;
	struct node_pairs out = { 0 };

	if (!is_new(r, list, e, number, host_port))
		return;
	target = form_part(r, e->n, arena_printf(r->arena, "%u", number));
	target->kind = NODE_NUMBER;
	target->number = number;
	target->n = 0;
	put(&out, "app_protocol", pos, e->app_protocol);
	put(&out, "host_ip", pos, e->host_ip);
	put(&out, "mode", pos,
	    e->mode ? e->mode : node_new(r->arena, NODE_STRING, nowhere, "ingress"));
	put(&out, "name", pos, e->name);
	put(&out, "protocol", pos,
	    e->protocol ? e->protocol : node_new(r->arena, NODE_STRING, nowhere, e->port.protocol));
	put(&out, "published", pos, host_port);
	put(&out, "target", pos, target);
	put_foreign(&out, e->map);
	vec_push(&list->items, node_map_done(r->arena, pos, &out));
	r->n_ports++;
}

/* The limit is looked at before anything is expanded: 1-65535 in each of a thousand services is a short text. */
static void add_entry(struct reader *r, const struct where *w, const struct entry *e,
		      struct port_list *list)
{
	unsigned n = e->port.target.last - e->port.target.first + 1;

	refuse(r, w, e);
	if (r->n_ports + n > PORTS_MAX)
		reader_error(r, w, e->n->pos, NULL, "more than %d ports in all services",
			     PORTS_MAX);
	else
		for (unsigned i = 0; i < n; i++)
			add_port(r, e, i, list);
}

/* ---- short form ------------------------------------------------------------------------------ */

/* The protocol has a place only when it was written; otherwise it is a default. */
static void read_short(struct reader *r, const struct where *w, const struct node *n,
		       struct port_list *list)
{
	struct entry e = { .n = n, .text = n->text };
	enum port_fault fault = port_text_parse(n->text, &e.port);

	if (fault != PORT_FINE) {
		complain(r, w, &e, fault);
		return;
	}
	if (*e.port.ip)
		e.host_ip = form_part(r, n, arena_strdup(r->arena, e.port.ip));
	if (strchr(n->text, '/'))
		e.protocol = form_part(r, n, e.port.protocol);
	add_entry(r, w, &e, list);
}

/* ---- long form ------------------------------------------------------------------------------- */

/* Small letters, as compose prints it. */
static FORM(form_protocol)
{
	const char *word = port_protocol(n->text, strlen(n->text));

	if (word || !*n->text)
		return word ? form_part(r, n, word) : NULL;
	reader_error(r, w, n->pos, NULL, "'%.40s' is not a protocol; write tcp, udp or sctp",
		     n->text);
	return NULL;
}

/* Empty is what a variable leaves that is not set: any address, as without the key. */
static FORM(form_host_ip)
{
	if (!*n->text)
		return NULL;
	if (port_address(n->text))
		return form_text(r, w, n);
	reader_error(r, w, n->pos, NULL, "'%.60s' is not an IP address", n->text);
	return NULL;
}

/* A text, because 8000-8010 is right too; whether it fits the target is seen with both in hand. */
static FORM(form_published)
{
	struct port_range range;

	if (!*n->text)
		return NULL;
	if (!port_range_parse(n->text, strlen(n->text), &range))
		reader_error(r, w, n->pos, NULL, "'%.80s' is not a port", n->text);
	else if (range.last > UINT16_MAX || (!range.first && range.last))
		reader_error(r, w, n->pos, NULL, "%u is not a port number (1 to 65535)",
			     range.first ? range.last : 0);
	else
		return form_text(r, w, n);
	return NULL;
}

/* One port only: the long form has no ranges for the container. */
static FORM(form_port_target)
{
	struct node *out = form_int(r, w, n);

	if (!out || (out->number >= 1 && out->number <= UINT16_MAX))
		return out;
	reader_error(r, w, n->pos, NULL, "%jd is not a port number (1 to 65535)",
		     (intmax_t)out->number);
	return NULL;
}

/* Read to be checked: without a cluster both of its words mean the same. */
static FORM(form_mode)
{
	if (!*n->text)
		return NULL;
	if (!strcmp(n->text, "host") || !strcmp(n->text, "ingress"))
		return form_text(r, w, n);
	reader_error(r, w, n->pos, NULL, "'%.40s' is unknown; write host or ingress", n->text);
	return NULL;
}

/* 10.0.0.0/8, fd00::/64, or one address alone. */
static bool is_block(const char *text)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char ip[INET6_ADDRSTRLEN] = "";
	int64_t bits = 0;

	if (len < sizeof(ip))
		memcpy(ip, text, len);
	if (!port_address(ip))
		return false;
	return !slash || (isdigit((unsigned char)slash[1]) && !text_parse_int(slash + 1, &bits) &&
			  bits <= (strchr(ip, ':') ? 128 : 32));
}

/* A key of ours: who may reach the port. */
static FORM(form_allow)
{
	struct node_items good = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		const struct where here = { w, NULL, i, { 0 } };

		if (!reader_check_kind(r, &here, n->items[i], NODE_STRING))
			continue;
		if (is_block(n->items[i]->text))
			vec_push(&good, n->items[i]);
		else
			reader_error(r, &here, n->items[i]->pos, NULL,
				     "'%.60s' is not a range of addresses; write like 10.0.0.0/8",
				     n->items[i]->text);
	}
	return node_list_done(r->arena, n->pos, &good);
}

/* clang-format off */
static const struct key port_rows[] = {
	WARN("app_protocol", STR, DESCRIBES),
	DONE("host_ip", STR, AS(form_host_ip)),
	DONE("mode", STR, AS(form_mode)),
	WARN("name", STR, DESCRIBES),
	DONE("protocol", STR, AS(form_protocol)),
	DONE("published", STR | NUM, AS(form_published)),
	DONE("target", NUM | STR, AS(form_port_target)),
	DONE("x-allow", LST, AS(form_allow)),
};
const struct key_table port_keys = TABLE(port_rows);
/* clang-format on */

/* The values come from the table's forms, so only what holds between them is left to look at. */
static void read_long(struct reader *r, const struct where *w, const struct node *n,
		      struct port_list *list)
{
	size_t errors = stack_diags_errors(r->diags);
	struct node *map = form_map(r, w, n, &port_keys), *target = node_get(map, "target");
	struct entry e = {
		.n = n,
		.map = map,
		.app_protocol = node_get(map, "app_protocol"),
		.host_ip = node_get(map, "host_ip"),
		.mode = node_get(map, "mode"),
		.name = node_get(map, "name"),
		.protocol = node_get(map, "protocol"),
		.published = node_get(map, "published"),
	};

	if (stack_diags_errors(r->diags) > errors)
		return;
	if (!target) {
		reader_error(r, w, n->pos, NULL, "'target' is missing");
		return;
	}
	e.port.protocol = e.protocol ? e.protocol->text : "tcp";
	e.port.target.first = e.port.target.last = (unsigned)target->number;
	if (e.host_ip)
		snprintf(e.port.ip, sizeof(e.port.ip), "%s", e.host_ip->text);
	e.text = e.published ? e.published->text : "";
	e.port.published_given =
		e.published && port_range_parse(e.text, strlen(e.text), &e.port.published);
	add_entry(r, w, &e, list);
}

/* A number alone is the port of the container, as in the short form. */
FORM(form_ports)
{
	struct port_list list = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		const struct where here = { w, NULL, i, { 0 } };
		const struct node *item = n->items[i];

		if (!reader_check_kind(r, &here, item, NODE_STRING | NODE_NUMBER | NODE_MAP))
			continue;
		if (item->kind == NODE_MAP)
			read_long(r, &here, item, &list);
		else
			read_short(r, &here, item, &list);
	}
	strmap_fini(&list.seen);
	return node_list_done(r->arena, n->pos, &list.items);
}

/* ---- expose: PORT[-PORT][/PROTOCOL] ------------------------------------------------------------ */

/* The other half of a published port: it has neither an address nor a port of the host. */
FORM(form_expose)
{
	struct node_items items = { 0 };
	struct strmap seen = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		const struct where here = { w, NULL, i, { 0 } };
		const struct node *item = n->items[i];
		struct port_text port;

		if (!reader_check_kind(r, &here, item, NODE_STRING | NODE_NUMBER))
			continue;
		if (strchr(item->text, ':') || port_text_parse(item->text, &port) != PORT_FINE)
			reader_error(r, &here, item->pos, NULL,
				     "'%.80s' is not a port; write PORT[-PORT][/tcp|udp]",
				     item->text);
		else if (strmap_put(&seen, item->text, strlen(item->text), 0, NULL))
			vec_push(&items, form_text(r, &here, item));
	}
	strmap_fini(&seen);
	return node_list_done(r->arena, n->pos, &items);
}

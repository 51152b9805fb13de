/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read_port: [[IP:][HOST]:]CONTAINER[/PROTO] with ranges, and the long form, become one struct
 * stack_port for each port. Called through the table of service keys.
 */
#include <arpa/inet.h>
#include <ctype.h>

#include "stack/keys.h"
#include "stack/read_port.h"

#define PORTS_MAX 4096 /* of all services, after expansion of ranges */
#define GRAMMAR	  "write [[IP:]HOST:]CONTAINER[/tcp|udp]"

struct range {
	unsigned first, last;
};

/* All ports of one service. */
struct port_list {
	struct VEC(struct stack_port) ports;
};

/* One entry, whichever form it had. */
struct entry {
	struct stack_pos pos;
	struct in_addr host_ip;
	struct range published, target;
	uint8_t protocol;
};

/* At most six digits: enough to see that a number is too large, too few to overflow. */
static bool parse_port(const char **s, unsigned *ret)
{
	const char *start = *s;

	for (*ret = 0; isdigit((unsigned char)**s) && *s - start < 6; (*s)++)
		*ret = *ret * 10 + (unsigned)(**s - '0');
	return *s > start;
}

/* N or N-M, in the right order; false: it is not of that shape. */
static bool parse_range(const char *s, struct range *ret)
{
	if (!parse_port(&s, &ret->first))
		return false;
	ret->last = ret->first;
	if (*s == '-') {
		s++;
		if (!parse_port(&s, &ret->last))
			return false;
	}
	return !*s && ret->first <= ret->last;
}

static bool parse_protocol(struct reader *r, const struct where *w, struct stack_pos pos,
			   const char *text, uint8_t *ret)
{
	if (!strcasecmp(text, "tcp")) {
		*ret = IPPROTO_TCP;
		return true;
	}
	if (!strcasecmp(text, "udp")) {
		*ret = IPPROTO_UDP;
		return true;
	}
	if (!strcasecmp(text, "sctp"))
		reader_error(r, w, pos, NULL, "protocol 'sctp': not supported yet");
	else
		reader_error(r, w, pos, NULL, "'%.40s' is not a protocol; write tcp or udp", text);
	return false;
}

/* Host names are refused, as compose does: what they mean may change while the stack runs. */
static bool parse_ip(struct reader *r, const struct where *w, struct stack_pos pos,
		     const char *text, struct in_addr *ret)
{
	if (inet_pton(AF_INET, text, ret) == 1)
		return true;
	if (strchr(text, ':'))
		reader_error(r, w, pos, NULL, "IPv6 address '%.60s': not supported yet", text);
	else
		reader_error(r, w, pos, NULL, "'%.60s' is not an IP address; " GRAMMAR, text);
	return false;
}

/* One port for each number of the ranges; identical ones are kept once, as compose does. */
static void add_entry(struct reader *r, const struct where *w, struct port_list *list,
		      const struct entry *e)
{
	unsigned n = e->target.last - e->target.first + 1;

	if (r->n_ports + n > PORTS_MAX) {
		reader_error(r, w, e->pos, NULL, "more than %d ports in all services", PORTS_MAX);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct stack_port p = { .host_ip = e->host_ip,
					.target = (uint16_t)(e->target.first + i),
					.protocol = e->protocol,
					.pos = e->pos };
		bool known = false;

		p.published = (uint16_t)(e->published.first ? e->published.first + i : 0);
		for (size_t k = 0; k < list->ports.n && !known; k++) {
			const struct stack_port *o = &list->ports.v[k];

			known = o->host_ip.s_addr == p.host_ip.s_addr &&
				o->published == p.published && o->target == p.target &&
				o->protocol == p.protocol;
		}
		if (!known) {
			vec_push(&list->ports, p);
			r->n_ports++;
		}
	}
}

/* What holds for both forms. `text` is what the user wrote. */
static bool check_entry(struct reader *r, const struct where *w, const struct entry *e,
			const char *text)
{
	unsigned ports = e->target.last - e->target.first,
		 host_ports = e->published.last - e->published.first;
	unsigned highest = e->target.last > e->published.last ? e->target.last : e->published.last;

	if (highest > UINT16_MAX || !e->target.first)
		reader_error(r, w, e->pos, NULL, "'%.80s': %u is not a port number (1 to 65535)",
			     text, e->target.first ? highest : 0);
	else if (e->published.first && !ports && host_ports)
		reader_error(r, w, e->pos, "choose one port of the host, or none for any free one",
			     "'%.80s': a range of the host for one port: not supported yet", text);
	else if (e->published.first && ports != host_ports)
		reader_error(r, w, e->pos, NULL, "'%.80s': the two ranges must be equally long",
			     text);
	else
		return true;
	return false;
}

/* ---- short form ------------------------------------------------------------------------------ */

/* Cuts the text behind the last `sep`; NULL when there is none. */
static char *cut_last(char *text, char sep)
{
	char *at = strrchr(text, sep);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

/* Cut from the right, because only the right end is always there. */
static void read_short(struct reader *r, const struct where *w, const struct node *n,
		       struct port_list *list)
{
	struct entry e = { .pos = n->pos, .protocol = IPPROTO_TCP };
	char *text = arena_strdup(r->arena, n->text), *protocol = cut_last(text, '/'),
	     *target = cut_last(text, ':');
	char *host = target ? cut_last(text, ':') : NULL, *ip = host ? text : NULL;

	if (!host && target)
		host = text;
	if (!target)
		target = text;
	if (protocol && !parse_protocol(r, w, n->pos, protocol, &e.protocol))
		return;
	if (ip && !parse_ip(r, w, n->pos, ip, &e.host_ip))
		return;
	/* An empty HOST means any free port: `IP::80`. */
	if (!parse_range(target, &e.target) ||
	    (host && *host && !parse_range(host, &e.published))) {
		reader_error(r, w, n->pos, NULL, "'%.80s' is not a port; " GRAMMAR, n->text);
		return;
	}
	if (check_entry(r, w, &e, n->text))
		add_entry(r, w, list, &e);
}

/* ---- long form ------------------------------------------------------------------------------- */

struct port_draft {
	struct stack_str published, host_ip, protocol, mode;
	struct stack_num target;
};

/* `mode` is read to be checked: without a cluster both of its words mean the same. */
/* clang-format off */
static const struct key port_rows[] = {
	DONE("host_ip", STR, value_string, port_draft, host_ip),
	DONE("mode", STR, value_string, port_draft, mode),
	DONE("protocol", STR, value_string, port_draft, protocol),
	DONE("published", STR | NUM, value_text, port_draft, published),
	DONE("target", NUM | STR, value_int, port_draft, target),
	WARN("app_protocol", STR, DESCRIBES),
	WARN("name", STR, DESCRIBES),
	REFUSE("x-allow", LST, NULL),
};
static const struct key_table port_keys = TABLE(port_rows);
/* clang-format on */

static void read_long(struct reader *r, const struct where *w, const struct node *n,
		      struct port_list *list)
{
	struct entry e = { .pos = n->pos, .protocol = IPPROTO_TCP };
	struct port_draft draft = { 0 };
	size_t errors = stack_diags_errors(r->diags);

	reader_map(r, w, n, &port_keys, &draft);
	if (stack_diags_errors(r->diags) > errors)
		return;
	if (!draft.target.given) {
		reader_error(r, w, n->pos, NULL, "'target' is missing");
		return;
	}
	if (draft.protocol.text &&
	    !parse_protocol(r, w, draft.protocol.pos, draft.protocol.text, &e.protocol))
		return;
	if (draft.host_ip.text &&
	    !parse_ip(r, w, draft.host_ip.pos, draft.host_ip.text, &e.host_ip))
		return;
	if (draft.target.value < 1 || draft.target.value > UINT16_MAX) {
		reader_error(r, w, draft.target.pos, NULL,
			     "target: %jd is not a port number (1 to 65535)",
			     (intmax_t)draft.target.value);
		return;
	}
	if (draft.published.text && *draft.published.text &&
	    !parse_range(draft.published.text, &e.published)) {
		reader_error(r, w, draft.published.pos, NULL, "published: '%.80s' is not a port",
			     draft.published.text);
		return;
	}
	if (draft.mode.text && strcmp(draft.mode.text, "host") &&
	    strcmp(draft.mode.text, "ingress")) {
		reader_error(r, w, draft.mode.pos, NULL,
			     "mode: '%.40s' is unknown; write host or ingress", draft.mode.text);
		return;
	}
	e.target.first = e.target.last = (unsigned)draft.target.value;
	if (check_entry(r, w, &e, draft.published.text ? draft.published.text : ""))
		add_entry(r, w, list, &e);
}

VALUE_READER(read_ports)
{
	struct stack_service *s = field;
	struct port_list list = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		struct where here = { w, NULL, i };

		if (!reader_check_kind(r, &here, n->items[i], NODE_STRING | NODE_NUMBER | NODE_MAP))
			continue;
		if (n->items[i]->kind == NODE_MAP)
			read_long(r, &here, n->items[i], &list);
		else
			read_short(r, &here, n->items[i], &list);
	}
	s->ports = reader_keep(r, &list.ports);
	s->n_ports = list.ports.n;
	vec_fini(&list.ports);
}

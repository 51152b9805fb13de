/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crosscheck: things that are right alone and wrong together: cycles, addresses, subnets, ports,
 * names. Each error names the other place as well. Called once by load; it looks at the model only.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "stack/crosscheck.h"
#include "stack/strmap.h"

/* The path of a key of a service, for complaints. */
struct spot {
	struct where section, service, key;
};

static const struct where *spot(struct spot *s, const char *section, const char *name,
				const char *key)
{
	s->section = (struct where){ NULL, section, 0 };
	s->service = (struct where){ &s->section, name, 0 };
	s->key = (struct where){ &s->service, key, 0 };
	return key ? &s->key : &s->service;
}

/* ---- dependencies ---------------------------------------------------------------------------- */

struct chain {
	const struct chain *up;
	const struct stack_service *service;
};

/* From the service up the chain to itself: "a -> b -> a". */
static void complain_cycle(struct reader *r, const struct chain *c, const struct stack_depend *last)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	_cleanup_free_ char *tail = NULL;
	const struct stack_service *from = c->service;
	struct spot s;

	buf_puts(&text, last->service->name);
	for (; c; c = c->up) {
		tail = xasprintf("%s -> %s", c->service->name, buf_str(&text));
		buf_fini(&text);
		buf_puts(&text, tail);
		if (c->service == last->service)
			break;
		cleanup_free(&tail);
	}
	reader_error(r, spot(&s, "services", from->name, "depends_on"), last->pos, NULL,
		     "a cycle: %s: none of them could ever start", buf_str(&text));
}

enum colour { WHITE, GREY, BLACK };

static void visit(struct reader *r, const struct chain *c, uint8_t *colours)
{
	const struct stack_service *first = r->stack->services;

	colours[c->service - first] = GREY;
	for (size_t i = 0; i < c->service->n_depends; i++) {
		const struct stack_depend *d = &c->service->depends[i];
		struct chain next = { c, d->service };

		if (!d->service)
			continue;
		if (colours[d->service - first] == GREY)
			complain_cycle(r, c, d);
		else if (colours[d->service - first] == WHITE)
			visit(r, &next, colours);
	}
	colours[c->service - first] = BLACK;
}

static void check_cycles(struct reader *r)
{
	_cleanup_free_ uint8_t *colours = xcalloc(r->stack->n_services, 1);

	for (size_t i = 0; i < r->stack->n_services; i++) {
		struct chain c = { NULL, &r->stack->services[i] };

		if (colours[i] == WHITE)
			visit(r, &c, colours);
	}
}

/*
 * Nobody would ever say that the other service is healthy, and the wait would be for ever. A check
 * that an image brings along does not count: only those of the file are run.
 */
static void check_conditions(struct reader *r, const struct stack_service *s)
{
	struct spot at;

	for (size_t i = 0; i < s->n_depends; i++) {
		const struct stack_depend *d = &s->depends[i];

		if (d->service && d->condition == STACK_HEALTHY &&
		    (!d->service->health.test.given || d->service->health.disable))
			reader_error(r, spot(&at, "services", s->name, "depends_on"), d->pos, NULL,
				     "waits for '%s' to be healthy, but that service (%s) has no "
				     "'healthcheck' with a 'test'",
				     d->service->name, reader_place(r, d->service->pos));
	}
}

/* ---- networks -------------------------------------------------------------------------------- */

static uint32_t mask_of(const struct stack_network *n)
{
	return n->prefix ? UINT32_MAX << (32 - n->prefix) : 0;
}

static void check_overlap(struct reader *r, const struct stack_network *a,
			  const struct stack_network *b)
{
	uint32_t mask = mask_of(a) & mask_of(b);
	char text[INET_ADDRSTRLEN];
	struct spot at;

	if (!a->prefix || !b->prefix ||
	    ((ntohl(a->subnet.s_addr) ^ ntohl(b->subnet.s_addr)) & mask))
		return;
	inet_ntop(AF_INET, &a->subnet, text, sizeof(text));
	reader_error(r, spot(&at, "networks", b->key, "ipam"), b->subnet_pos, NULL,
		     "the subnet overlaps with %s/%u of network '%s', %s", text, a->prefix, a->key,
		     reader_place(r, a->subnet_pos));
}

/* NULL: it is an address that a host of the network can have. */
static const char *what_is_wrong(const struct stack_network *n, struct in_addr ip)
{
	uint32_t host = ntohl(ip.s_addr) & ~mask_of(n);

	if ((ntohl(ip.s_addr) ^ ntohl(n->subnet.s_addr)) & mask_of(n))
		return "is not inside of the subnet";
	if (!host)
		return "is the address of the network itself";
	return host == ~mask_of(n) ? "is the broadcast address" : NULL;
}

static void check_gateway(struct reader *r, const struct stack_network *n)
{
	const char *wrong = n->gateway.s_addr && n->prefix ? what_is_wrong(n, n->gateway) : NULL;
	char text[INET_ADDRSTRLEN];
	struct spot at;

	if (!wrong)
		return;
	inet_ntop(AF_INET, &n->gateway, text, sizeof(text));
	reader_error(r, spot(&at, "networks", n->key, "ipam"), n->gateway_pos, NULL,
		     "gateway %s %s (%s)", text, wrong, reader_place(r, n->subnet_pos));
}

static void check_networks(struct reader *r)
{
	const struct stack *s = r->stack;

	for (size_t i = 0; i < s->n_networks; i++) {
		check_gateway(r, &s->networks[i]);
		for (size_t k = 0; k < i; k++)
			check_overlap(r, &s->networks[k], &s->networks[i]);
	}
}

/* The gateway is the first address unless the file says so. */
static bool is_gateway(const struct stack_network *n, struct in_addr ip)
{
	return n->gateway.s_addr ? ip.s_addr == n->gateway.s_addr
				 : ntohl(ip.s_addr) == ntohl(n->subnet.s_addr) + 1;
}

static void check_address(struct reader *r, const struct where *w, const struct stack_attach *a)
{
	char text[INET_ADDRSTRLEN];
	const char *wrong;

	inet_ntop(AF_INET, &a->ipv4, text, sizeof(text));
	if (!a->network->prefix) {
		reader_error(
			r, w, a->ipv4_pos, NULL,
			"ipv4_address %s: network '%s' has no subnet of its own; give it one under "
			"'ipam'",
			text, a->network->key);
		return;
	}
	wrong = what_is_wrong(a->network, a->ipv4);
	if (!wrong && is_gateway(a->network, a->ipv4))
		wrong = "is the gateway";
	if (wrong)
		reader_error(r, w, a->ipv4_pos, NULL, "ipv4_address %s %s of network '%s', %s",
			     text, wrong, a->network->key, reader_place(r, a->network->subnet_pos));
}

/* An address on a network belongs to one service. */
/* Packed: the bytes are compared as they are, and holes would hold anything. */
struct address_key {
	const struct stack_network *network;
	uint32_t ip;
} __attribute__((packed));

static void check_addresses(struct reader *r, const struct stack_service *s, struct strmap *seen,
			    const struct stack_attach **firsts, size_t *n_firsts)
{
	struct spot at;

	for (size_t i = 0; i < s->n_networks; i++) {
		const struct stack_attach *a = &s->networks[i];
		struct address_key *key;
		size_t first;

		if (!a->ipv4.s_addr)
			continue;
		check_address(r, spot(&at, "services", s->name, "networks"), a);
		key = arena_alloc(r->arena, sizeof(*key));
		*key = (struct address_key){ a->network, a->ipv4.s_addr };
		if (strmap_put(seen, (const char *)key, sizeof(*key), *n_firsts, &first))
			firsts[(*n_firsts)++] = a;
		else
			reader_error(r, &at.key, a->ipv4_pos, NULL,
				     "ipv4_address is already given to another service on "
				     "network '%s', %s",
				     a->network->key, reader_place(r, firsts[first]->ipv4_pos));
	}
}

static void check_all_addresses(struct reader *r)
{
	const struct stack *s = r->stack;
	_cleanup_(strmap_fini) struct strmap seen = { 0 };
	_cleanup_free_ const struct stack_attach **firsts = NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->n_services; i++)
		n += s->services[i].n_networks;
	firsts = xcalloc(n, sizeof(*firsts));
	n = 0;
	for (size_t i = 0; i < s->n_services; i++)
		check_addresses(r, &s->services[i], &seen, firsts, &n);
}

/* ---- names and ports ------------------------------------------------------------------------- */

static void check_container_names(struct reader *r)
{
	const struct stack *s = r->stack;
	_cleanup_(strmap_fini) struct strmap seen = { 0 };
	struct spot at;
	size_t first;

	for (size_t i = 0; i < s->n_services; i++) {
		const struct stack_str *name = &s->services[i].container_name;

		if (name->text && !strmap_put(&seen, name->text, strlen(name->text), i, &first))
			reader_error(r,
				     spot(&at, "services", s->services[i].name, "container_name"),
				     name->pos, NULL, "'%s' is also the name of service '%s', %s",
				     name->text, s->services[first].name,
				     reader_place(r, s->services[first].container_name.pos));
	}
}

struct published {
	const struct stack_port *port;
	const struct stack_service *service;
};

static int by_port(const void *a, const void *b)
{
	const struct published *x = a, *y = b;

	if (x->port->protocol != y->port->protocol)
		return x->port->protocol < y->port->protocol ? -1 : 1;
	if (x->port->published != y->port->published)
		return x->port->published < y->port->published ? -1 : 1;
	/* Stable: the one further up in the file is the first. */
	return x->port->pos.line != y->port->pos.line
		       ? (x->port->pos.line < y->port->pos.line ? -1 : 1)
		       : (x->port->pos.col < y->port->pos.col ? -1 : 1);
}

static bool collide(const struct stack_port *a, const struct stack_port *b)
{
	return a->published && a->published == b->published && a->protocol == b->protocol &&
	       (!a->host_ip.s_addr || !b->host_ip.s_addr || a->host_ip.s_addr == b->host_ip.s_addr);
}

/* Neighbours after sorting are enough to compare with: only equal numbers can collide. */
static void check_ports(struct reader *r)
{
	const struct stack *s = r->stack;
	_cleanup_free_ struct published *all = xcalloc(r->n_ports, sizeof(*all));
	size_t n = 0;
	struct spot at;

	for (size_t i = 0; i < s->n_services; i++)
		for (size_t k = 0; k < s->services[i].n_ports; k++)
			all[n++] = (struct published){ &s->services[i].ports[k], &s->services[i] };
	qsort(all, n, sizeof(*all), by_port);
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k-- > 0 && all[k].port->published == all[i].port->published;) {
			if (!collide(all[k].port, all[i].port))
				continue;
			reader_error(r, spot(&at, "services", all[i].service->name, "ports"),
				     all[i].port->pos, NULL,
				     "port %u of the host is already published by service '%s', %s",
				     all[i].port->published, all[k].service->name,
				     reader_place(r, all[k].port->pos));
			break;
		}
}

void crosscheck(struct reader *r)
{
	check_cycles(r);
	for (size_t i = 0; i < r->stack->n_services; i++)
		check_conditions(r, &r->stack->services[i]);
	check_networks(r);
	check_all_addresses(r);
	check_container_names(r);
	check_ports(r);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crosscheck_link: are the services of a wire there, is each interface of wires and networks made once, do the addresses of ends fit. All of it is
 * known before anything exists, so it is said then.
 */
#include "stack/crosscheck_link.h"
#include "stack/crosscheck_attach.h"
#include "stack/crosscheck_scale.h"
#include "stack/form.h"
#include "stack/link_text.h"
#include "stack/netopts.h"
#include "stack/resource.h"

static const struct where section = { .key = "x-links" };

/* Who has an interface, by its endpoint in full. */
struct seen {
	struct strmap index;
	struct VEC(struct stack_pos) places;
};

struct link_check {
	struct reader *r;
	const struct node *services; /* that are active */
	struct seen seen;
};

static void take_once(struct link_check *c, const struct where *w, const struct node *n,
		      const char *name, const char *what)
{
	size_t first;

	if (strmap_put(&c->seen.index, name, strlen(name), c->seen.places.n, &first))
		vec_push(&c->seen.places, n->pos);
	else
		reader_error(c->r, w, n->pos, NULL, "'%s': %s, %s", n->text, what,
			     reader_place(c->r, c->seen.places.v[first]));
}

/* ---- an end of a service --------------------------------------------------------------------- */

static void check_mode(struct link_check *c, const struct where *w, const struct node *n,
		       const struct node_pair *service)
{
	const struct node *mode = node_get(service->value, "network_mode");

	if (!mode)
		return;
	if (!strcmp(mode->text, "host"))
		reader_error(c->r, w, n->pos, "write host:INTERFACE",
			     "'%s': the network of service '%s' is the host's own, %s", n->text,
			     service->key, reader_place(c->r, mode->pos));
	else if (!strncmp(mode->text, "service:", 8))
		reader_error(c->r, w, n->pos, "give the link to that service",
			     "'%s': service '%s' has the network of another one, %s", n->text,
			     service->key, reader_place(c->r, mode->pos));
}

static void check_attachments(struct link_check *c, const struct where *w, const struct node *n,
			      const struct node_pair *service, const char *ifname)
{
	const struct node *networks = node_get(service->value, "networks");

	for (size_t i = 0; networks && i < networks->n; i++) {
		const struct node_pair *pair = &networks->pairs[i];

		if (strcmp(attachment_interface(c->r, networks, i), ifname) != 0)
			continue;
		reader_error(c->r, w, n->pos, "choose another name",
			     "'%s': '%s' is the interface of service '%s' on network '%s'", n->text,
			     ifname, service->key, pair->key);
	}
}

static void check_index(struct link_check *c, const struct where *w, const struct node *n,
			const struct node_pair *service, unsigned index)
{
	int64_t count = service_scale(service->value);

	if (!index && count > 1)
		reader_error(c->r, w, n->pos, "write SERVICE-INDEX:INTERFACE",
			     "'%s': which of the %jd containers of service '%s'?", n->text,
			     (intmax_t)count, service->key);
	else if ((index ? index : 1) > count)
		reader_error(c->r, w, n->pos, NULL, "'%s': service '%s' has %jd container%s",
			     n->text, service->key, (intmax_t)count, count == 1 ? "" : "s");
}

static void check_service(struct link_check *c, const struct where *w, const struct node *n,
			  const struct link_text *t)
{
	unsigned index;
	const struct node_pair *service = link_text_service(c->services, n->text, t, &index);
	const char *name = arena_strndup(c->r->arena, n->text, t->name_len);

	if (!service) {
		reader_error(c->r, w, n->pos, form_suggest(c->r, name, c->services),
			     "'%s': no such service: '%.80s'", n->text, name);
		return;
	}
	check_mode(c, w, n, service);
	check_attachments(c, w, n, service, t->ifname);
	check_index(c, w, n, service, index);
	name = arena_printf(c->r->arena, "%s-%u:%s", service->key, index ? index : 1, t->ifname);
	take_once(c, w, n, name, "this end has a link already");
}

static void check_end(struct link_check *c, const struct where *w, const struct node *n)
{
	struct link_text t;

	if (link_text_parse(n->text, &t))
		return; /* told by the form */
	switch (t.kind) {
	case STACK_END_SERVICE:
		check_service(c, w, n, &t);
		break;
	case STACK_END_HOST:
		take_once(c, w, n, n->text, "this interface of the host has a link already");
		break;
	case STACK_END_VXLAN:
		take_once(c, w, n, arena_printf(c->r->arena, "vxlan:%u", t.vni),
			  "this number is that of another tunnel already");
		break;
	case STACK_END_MACVLAN:
		break;
	}
}

/* ---- both ends ------------------------------------------------------------------------------- */

static const struct node *entry(const struct node *link, const char *key, size_t i)
{
	const struct node *list = node_get(link, key);

	return list && i < list->n && list->items[i]->kind != NODE_NULL ? list->items[i] : NULL;
}

/* What is behind a device or a tunnel has addresses of its own. */
static void check_bare(struct link_check *c, const struct where *w, const struct node *link)
{
	static const char *const keys[] = { "mac", "ipv4", "ipv6" };

	for (size_t i = 0; i < 2; i++) {
		const struct node *end = entry(link, "endpoints", i);
		struct link_text t;

		if (!end || link_text_parse(end->text, &t) ||
		    (t.kind != STACK_END_MACVLAN && t.kind != STACK_END_VXLAN))
			continue;
		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			const struct where here = where_in(w, keys[k]);
			const struct node *n = entry(link, keys[k], i);

			if (n)
				reader_error(c->r, &here, n->pos, "leave it empty",
					     "'%s' is for '%s', which has no address here", n->text,
					     end->text);
		}
	}
}

static void check_macs(struct link_check *c, const struct where *w, const struct node *link)
{
	const struct node *a = entry(link, "mac", 0), *b = entry(link, "mac", 1);
	const struct where here = where_in(w, "mac");
	uint8_t bytes[2][6];

	if (a && b && mac_parse(a->text, bytes[0]) && mac_parse(b->text, bytes[1]) &&
	    !memcmp(bytes[0], bytes[1], sizeof(bytes[0])))
		reader_error(c->r, &here, b->pos, NULL, "both ends have '%s'", b->text);
}

static void check_pair(struct link_check *c, const struct where *w, const struct node *link,
		       const char *key)
{
	const struct node *a = entry(link, key, 0), *b = entry(link, key, 1);
	const struct where here = where_in(w, key);
	struct ip_net nets[2];

	if (!a || !b || !ip_net_parse(a->text, &nets[0]) || !ip_net_parse(b->text, &nets[1]))
		return;
	if (ip_equal(&nets[0].ip, &nets[1].ip))
		reader_error(c->r, &here, b->pos, NULL, "both ends have '%s'",
			     ip_text(&nets[0].ip).text);
	else if (nets[0].prefix < ip_bits(&nets[0].ip) && !ip_is_within(&nets[1].ip, &nets[0]))
		reader_warn(c->r, &here, b->pos, "'%s' is not in the subnet of '%s', the other end",
			    b->text, a->text);
}

/* RFC 8200, 5: the kernel switches IPv6 off below that. */
static void check_mtu(struct link_check *c, const struct where *w, const struct node *link)
{
	const struct node *mtu = node_get(link, "mtu");
	const struct where here = where_in(w, "mtu");

	if (mtu && mtu->number < 1280 && (entry(link, "ipv6", 0) || entry(link, "ipv6", 1)))
		reader_error(c->r, &here, mtu->pos, NULL, "%s is too little for 'ipv6': 1280",
			     mtu->text);
}

static void check_link(struct link_check *c, const struct where *w, const struct node *link)
{
	const struct node *ends = node_get(link, "endpoints");
	const struct where there = where_in(w, "endpoints");

	for (size_t i = 0; ends && i < ends->n; i++) {
		const struct where here = where_item(&there, i);

		check_end(c, &here, ends->items[i]);
	}
	check_bare(c, w, link);
	check_macs(c, w, link);
	check_pair(c, w, link, "ipv4");
	check_pair(c, w, link, "ipv6");
	check_mtu(c, w, link);
}

/* ---- what networks make ---------------------------------------------------------------------- */

enum { VXLAN_PORT = 4789 }; /* of wires, and of networks that name none */

static void take_network(struct link_check *c, const struct node_pair *network)
{
	static const struct where networks = { .key = "networks" };
	const struct where here = where_in(&networks, network->key),
			   w = where_in(&here, "driver_opts");
	const struct node *all = node_get(network->value, "driver_opts"),
			  *name = node_get(all, NETOPTS_BRIDGE "name"),
			  *vni = netopts_get(all, "vni"), *port = node_get(all, "port");

	if (resource_is_external(network->value))
		return;
	if (name)
		take_once(c, &w, name, arena_printf(c->r->arena, "host:%s", name->text),
			  "this interface of the host is made already");
	if (vni && (!port || port->number == VXLAN_PORT))
		take_once(c, &w, vni, arena_printf(c->r->arena, "vxlan:%d", (int)vni->number),
			  "this number is that of another tunnel already");
}

void crosscheck_links(struct reader *r, const struct node *root)
{
	const struct node *networks = node_get(root, "networks");
	const struct node *links = node_get(root, "x-links");
	struct link_check c = { .r = r, .services = node_get(root, "services") };

	for (size_t i = 0; networks && i < networks->n; i++)
		take_network(&c, &networks->pairs[i]);
	for (size_t i = 0; links && i < links->n; i++) {
		const struct where here = where_item(&section, i);

		check_link(&c, &here, links->items[i]);
	}
	strmap_fini(&c.seen.index);
	vec_fini(&c.seen.places);
}

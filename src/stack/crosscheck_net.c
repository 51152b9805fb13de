/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crosscheck_net: what would collide on the network: subnets that overlap, addresses outside of their subnet or given twice,
 * ports of the host that two services want. All of it is known before anything exists, so it is said then.
 */
#include "stack/crosscheck_net.h"

/* One entry of a network's ipam.config. */
struct subnet {
	const struct node_pair *network;
	const struct node *node, *entry;
	struct ip_net a;
};

struct subnets VEC(struct subnet);

/* ---- addresses ------------------------------------------------------------------------------- */

/* An address counts as a subnet of one. Forms have checked the text, so only what is no address at all ends here. */
static bool parse(const char *text, struct ip_net *ret)
{
	if (!text)
		return false;
	if (strchr(text, '/'))
		return ip_net_parse(text, ret);
	if (!ip_parse(text, &ret->ip))
		return false;
	ret->prefix = (uint8_t)ip_bits(&ret->ip);
	return true;
}

static bool is_inside(const struct ip_net *inner, const struct ip_net *net)
{
	return inner->prefix >= net->prefix && ip_is_within(&inner->ip, net);
}

/* NULL: it is an address that a host of the network can have. */
static const char *what_is_wrong(const struct ip *ip, const struct ip_net *net)
{
	struct ip first = ip_first(net), last = ip_last(net);

	if (!ip_is_within(ip, net))
		return "is not inside of the subnet";
	if (ip_equal(ip, &first))
		return "is the address of the network itself";
	return ip->family == AF_INET && ip_equal(ip, &last) ? "is the broadcast address" : NULL;
}

static bool is_external(const struct node *network)
{
	const struct node *external = node_get(network, "external");

	return external && external->number;
}

/* ---- networks -------------------------------------------------------------------------------- */

static const struct where networks_section = { .key = "networks" };
static const struct where services_section = { .key = "services" };

static void check_inside(struct reader *r, const struct subnet *s, const char *key)
{
	const struct where network = where_in(&networks_section, s->network->key),
			   w = where_in(&network, "ipam");
	const struct node *n = node_get(s->entry, key);
	struct ip_net a;
	const char *wrong;

	if (!n || !parse(n->text, &a))
		return;
	if (a.prefix == ip_bits(&a.ip))
		wrong = what_is_wrong(&a.ip, &s->a);
	else
		wrong = is_inside(&a, &s->a) ? NULL : "is not inside of the subnet";
	if (wrong)
		reader_error(r, &w, n->pos, NULL, "%s %s %s (%s)", key, n->text, wrong,
			     reader_place(r, s->node->pos));
}

/* The gateway is the first address unless the file says so. */
static bool is_gateway(const struct subnet *s, const struct ip *ip)
{
	const char *text = node_text(s->entry, "gateway");
	struct ip gateway;

	if (!text || !ip_parse(text, &gateway))
		gateway = ip_plus(&s->a.ip, 1);
	return ip_equal(&gateway, ip);
}

/* For whom the file keeps an address, by `aux_addresses`; NULL: for nobody. */
static const struct node_pair *kept_for(const struct subnet *s, const struct ip *ip)
{
	const struct node *aux = node_get(s->entry, "aux_addresses");
	struct ip one;

	for (size_t i = 0; aux && i < aux->n; i++)
		if (ip_parse(aux->pairs[i].value->text, &one) && ip_equal(&one, ip))
			return &aux->pairs[i];
	return NULL;
}

static void check_aux(struct reader *r, const struct subnet *s)
{
	const struct where network = where_in(&networks_section, s->network->key),
			   w = where_in(&network, "ipam");
	const struct node *aux = node_get(s->entry, "aux_addresses");

	for (size_t i = 0; aux && i < aux->n; i++) {
		const struct node_pair *pair = &aux->pairs[i];
		const struct node_pair *first;
		const char *wrong;
		struct ip ip;

		if (!ip_parse(pair->value->text, &ip))
			continue;
		wrong = what_is_wrong(&ip, &s->a);
		first = kept_for(s, &ip);
		if (!wrong && is_gateway(s, &ip))
			wrong = "is the gateway";
		if (wrong)
			reader_error(r, &w, pair->value->pos, NULL,
				     "aux_addresses '%s': %s %s (%s)", pair->key, pair->value->text,
				     wrong, reader_place(r, s->node->pos));
		else if (first != pair)
			reader_error(r, &w, pair->value->pos, NULL,
				     "aux_addresses '%s': %s is already given to '%s', %s",
				     pair->key, pair->value->text, first->key,
				     reader_place(r, first->pos));
	}
}

static void check_overlap(struct reader *r, const struct subnet *a, const struct subnet *b)
{
	const struct where network = where_in(&networks_section, b->network->key),
			   w = where_in(&network, "ipam");

	if (ip_overlap(&a->a, &b->a))
		reader_error(r, &w, b->node->pos, NULL,
			     "the subnet overlaps with %s of network '%s', %s", a->node->text,
			     a->network->key, reader_place(r, a->node->pos));
}

static void collect_subnets(const struct node *root, struct subnets *all)
{
	const struct node *networks = node_get(root, "networks");

	for (size_t i = 0; networks && i < networks->n; i++) {
		const struct node *config =
			node_get(node_get(networks->pairs[i].value, "ipam"), "config");

		for (size_t k = 0; config && k < config->n; k++) {
			struct subnet s = { .network = &networks->pairs[i],
					    .node = node_get(config->items[k], "subnet"),
					    .entry = config->items[k] };

			if (s.node && parse(s.node->text, &s.a))
				vec_push(all, s);
		}
	}
}

static void check_networks(struct reader *r, const struct subnets *all)
{
	for (size_t i = 0; i < all->n; i++) {
		check_inside(r, &all->v[i], "gateway");
		check_inside(r, &all->v[i], "ip_range");
		check_aux(r, &all->v[i]);
		for (size_t k = 0; k < i; k++)
			check_overlap(r, &all->v[k], &all->v[i]);
	}
}

/* ---- addresses of services ------------------------------------------------------------------- */

/* Who has an address, by "NETWORK ADDRESS". */
struct taken {
	struct strmap index;
	struct VEC(struct stack_pos) places;
};

/* An address has several in IPv6. */
static const char *spelling(struct reader *r, const char *text)
{
	struct ip ip;

	return ip_parse(text, &ip) ? arena_strdup(r->arena, ip_text(&ip).text) : text;
}

static void check_taken(struct reader *r, const struct where *w, const char *key,
			const char *network, const struct node *n, struct taken *taken)
{
	const char *name = arena_printf(r->arena, "%s %s", network, spelling(r, n->text));
	size_t first;

	if (strmap_put(&taken->index, name, strlen(name), taken->places.n, &first))
		vec_push(&taken->places, n->pos);
	else
		reader_error(r, w, n->pos, NULL,
			     "%s is already given to another service on network '%s', %s", key,
			     network, reader_place(r, taken->places.v[first]));
}

static void check_address(struct reader *r, const struct where *w, const char *key,
			  const char *network, const struct node *n, const struct subnets *all)
{
	const char *wrong = NULL;
	const struct subnet *of = NULL;
	const struct node_pair *kept;
	struct ip ip;

	if (!ip_parse(n->text, &ip))
		return;
	for (size_t i = 0; i < all->n; i++) {
		if (strcmp(all->v[i].network->key, network) || all->v[i].a.ip.family != ip.family)
			continue;
		of = &all->v[i];
		wrong = what_is_wrong(&ip, &of->a);
		if (!wrong && is_gateway(of, &ip))
			wrong = "is the gateway";
		if (ip_is_within(&ip, &of->a))
			break;
	}
	if (!of)
		reader_error(r, w, n->pos, NULL,
			     "%s %s: network '%s' has no subnet of its own; give it one under "
			     "'ipam'",
			     key, n->text, network);
	else if (wrong)
		reader_error(r, w, n->pos, NULL, "%s %s %s of network '%s', %s", key, n->text,
			     wrong, network, reader_place(r, of->node->pos));
	else if ((kept = kept_for(of, &ip)))
		reader_error(r, w, n->pos, NULL,
			     "%s %s is kept for '%s' by the aux_addresses of network '%s', %s", key,
			     n->text, kept->key, network, reader_place(r, kept->pos));
}

static void check_attachment(struct reader *r, const struct where *w, const struct node_pair *pair,
			     const struct node *network, const struct subnets *all,
			     struct taken *taken)
{
	static const char *const keys[] = { "ipv4_address", "ipv6_address" };
	const struct node *mac = node_get(pair->value, "mac_address");

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct node *n = node_get(pair->value, keys[i]);

		if (!n)
			continue;
		if (network && !is_external(network))
			check_address(r, w, keys[i], pair->key, n, all);
		check_taken(r, w, keys[i], pair->key, n, taken);
	}
	if (mac)
		check_taken(r, w, "mac_address", pair->key, mac, taken);
}

static void check_addresses(struct reader *r, const struct node *root, const struct subnets *all)
{
	const struct node *services = node_get(root, "services"),
			  *networks = node_get(root, "networks");
	struct taken taken = { 0 };

	for (size_t i = 0; i < services->n; i++) {
		const struct where service = where_in(&services_section, services->pairs[i].key),
				   w = where_in(&service, "networks");
		const struct node *list = node_get(services->pairs[i].value, "networks");

		for (size_t k = 0; list && k < list->n; k++)
			check_attachment(r, &w, &list->pairs[k],
					 node_get(networks, list->pairs[k].key), all, &taken);
	}
	strmap_fini(&taken.index);
	vec_fini(&taken.places);
}

/* ---- ports ----------------------------------------------------------------------------------- */

struct published {
	const struct node *port, *text;
	const char *service, *protocol, *host;
};

struct published_list VEC(struct published);

/* Without an address it is published on all of both families. */
static bool hosts_meet(const char *a, const char *b)
{
	struct ip x = { 0 }, y = { 0 };

	if (!a || !b || !ip_parse(a, &x) || !ip_parse(b, &y))
		return true;
	return x.family == y.family && (ip_is_zero(&x) || ip_is_zero(&y) || ip_equal(&x, &y));
}

/* Who has the port already, or NULL. */
static const struct published *find_taken(const struct published_list *all,
					  const struct published *p)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct published *o = &all->v[i];

		if (!strcmp(o->text->text, p->text->text) && !strcmp(o->protocol, p->protocol) &&
		    hosts_meet(o->host, p->host))
			return o;
	}
	return NULL;
}

/* Most numbers are new, which `seen` knows at once. */
static void check_port(struct reader *r, struct strmap *seen, struct published_list *all,
		       const struct published *p)
{
	const struct where service = where_in(&services_section, p->service),
			   w = where_in(&service, "ports");
	const char *key = arena_printf(r->arena, "%s/%s", p->text->text, p->protocol);
	const struct published *taken = NULL;

	if (!strmap_put(seen, key, strlen(key), 0, NULL))
		taken = find_taken(all, p);
	if (taken)
		reader_error(r, &w, p->port->pos, NULL,
			     "port %s of the host is already published by service '%s', %s",
			     p->text->text, taken->service, reader_place(r, taken->port->pos));
	else
		vec_push(all, *p);
}

static void check_ports_of(struct reader *r, const struct node_pair *service, struct strmap *seen,
			   struct published_list *all)
{
	const struct node *ports = node_get(service->value, "ports");

	for (size_t i = 0; ports && i < ports->n; i++) {
		const struct node *port = ports->items[i], *text = node_get(port, "published");
		const struct published p = { port, text, service->key, node_text(port, "protocol"),
					     node_text(port, "host_ip") };

		if (text && text->number && !strchr(text->text, '-'))
			check_port(r, seen, all, &p);
	}
}

static void check_ports(struct reader *r, const struct node *services)
{
	struct published_list all = { 0 };
	struct strmap seen = { 0 };

	for (size_t i = 0; i < services->n; i++)
		check_ports_of(r, &services->pairs[i], &seen, &all);
	vec_fini(&all);
	strmap_fini(&seen);
}

void crosscheck_net(struct reader *r, const struct node *root)
{
	struct subnets all = { 0 };

	collect_subnets(root, &all);
	check_networks(r, &all);
	check_addresses(r, root, &all);
	check_ports(r, node_get(root, "services"));
	vec_fini(&all);
}

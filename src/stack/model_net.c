/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_net: networks, who is on them, and published ports, from the canonical tree into the structs. Called by model.c.
 * Forms and crosscheck have looked at all of it, so there is nothing left to complain about.
 */
#include "stack/find.h"
#include "stack/model.h"
#include "stack/model_value.h"
#include "stack/netopts.h"

#define BRIDGE "bridge"

/* None, when the key is not given. */
static struct ip get_ip(const struct node *map, const char *key, struct stack_pos *ret_pos)
{
	const struct node *n = node_get(map, key);
	struct ip ip = { 0 };

	if (n && ip_parse(n->text, &ip))
		*ret_pos = n->pos;
	return ip;
}

/* ---- networks -------------------------------------------------------------------------------- */

static void read_aux(struct reader *r, const struct node *n, struct stack_subnet *ret)
{
	struct stack_aux *list = arena_array(r->arena, struct stack_aux, n ? n->n : 0);

	for (size_t i = 0; n && i < n->n; i++) {
		list[i].name = n->pairs[i].key;
		list[i].pos = n->pairs[i].pos;
		ip_parse(n->pairs[i].value->text, &list[i].ip);
	}
	ret->aux = list;
	ret->n_aux = n ? n->n : 0;
}

/* False: this entry names no subnet, or one of a family that is off. */
static bool read_subnet(struct reader *r, const struct node *entry, const struct stack_network *net,
			struct stack_subnet *ret)
{
	const struct node *n = node_get(entry, "subnet"), *range = node_get(entry, "ip_range");

	*ret = (struct stack_subnet){ 0 };
	if (!n || !ip_net_parse(n->text, &ret->net) ||
	    !(ret->net.ip.family == AF_INET ? net->ipv4 : net->ipv6))
		return false;
	ret->pos = n->pos;
	ret->gateway = get_ip(entry, "gateway", &ret->gateway_pos);
	if (range)
		ip_net_parse(range->text, &ret->range);
	read_aux(r, node_get(entry, "aux_addresses"), ret);
	return true;
}

static bool names_ipv6(const struct node *config)
{
	for (size_t i = 0; config && i < config->n; i++) {
		const struct node *n = node_get(config->items[i], "subnet");

		if (n && strchr(n->text, ':'))
			return true;
	}
	return false;
}

/* A number of an option; 0: not given. */
static int64_t option(const struct node *all, const char *name)
{
	const struct node *n = netopts_get(all, name);

	return n ? n->number : 0;
}

static struct stack_str option_str(const struct node *all, const char *name)
{
	const struct node *n = netopts_get(all, name);

	return n ? (struct stack_str){ n->text, n->pos } : (struct stack_str){ 0 };
}

static bool is_off(const struct node *all, const char *name)
{
	const struct node *n = node_get(all, name);

	return n && !n->number;
}

static enum stack_macvlan macvlan_mode(const struct node *all)
{
	const char *word = node_text(all, "macvlan_mode");
	unsigned i = 0;

	while (word && i < NETOPTS_MACVLAN_MODES && strcmp(netopts_macvlan_modes[i], word) != 0)
		i++;
	return (enum stack_macvlan)i;
}

static void read_driver(struct reader *r, const struct node *n, struct stack_driver *ret)
{
	const struct node *all = node_get(n, "driver_opts"), *at = node_get(n, "driver"),
			  *peers = netopts_get(all, "peers");
	const char *wrong;
	struct stack_pos ignored;

	*ret = (struct stack_driver){
		.kind = netopts_driver(n),
		.bridge = option_str(all, NETOPTS_BRIDGE "name"),
		.no_icc = is_off(all, NETOPTS_BRIDGE "enable_icc"),
		.no_masquerade = is_off(all, NETOPTS_BRIDGE "enable_ip_masquerade"),
		.bind4 = get_ip(all, NETOPTS_BRIDGE "host_binding_ipv4", &ignored),
		.parent = option_str(all, "parent"),
		.mode = macvlan_mode(all),
		.vni = (uint32_t)option(all, "vni"),
		.port = (uint16_t)option(all, "port"),
	};
	if (ip_is_zero(&ret->bind4))
		ret->bind4 = (struct ip){ 0 };
	if (peers)
		ret->n_peers = netopts_peers(r->arena, peers->text, &ret->peers, &wrong);
	if (at)
		ret->pos = at->pos;
}

static void read_network(struct reader *r, const struct node *n, struct stack_network *net)
{
	const struct node *config = node_get(node_get(n, "ipam"), "config"),
			  *mtu = netopts_get(node_get(n, "driver_opts"), NETOPTS_MTU);
	struct stack_subnet *subnets =
		arena_array(r->arena, struct stack_subnet, config ? config->n : 0);

	net->name = node_text(n, "name");
	net->internal = value_bool(n, "internal");
	net->external = value_bool(n, "external");
	net->ipv4 = !node_get(n, "enable_ipv4") || value_bool(n, "enable_ipv4");
	/* Who writes down a subnet wants it. */
	net->ipv6 = node_get(n, "enable_ipv6") ? value_bool(n, "enable_ipv6") : names_ipv6(config);
	if (!net->external)
		read_driver(r, n, &net->driver);
	if (mtu) {
		net->mtu = (unsigned)mtu->number;
		net->mtu_pos = mtu->pos;
	}
	for (size_t i = 0; config && i < config->n; i++)
		net->n_subnets += read_subnet(r, config->items[i], net, &subnets[net->n_subnets]);
	net->subnets = subnets;
}

/* `network_mode: bridge`: engines have a network for that, which no file declares. */
static bool is_on_bridge(const struct node *service)
{
	const char *mode = node_text(service, "network_mode");

	return mode && (!strcmp(mode, BRIDGE) || !strcmp(mode, "default"));
}

static bool is_declared(const struct stack_network *networks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(networks[i].key, BRIDGE))
			return true;
	return false;
}

/* Behind the others, unless the file has one of this name. */
static void add_bridge(struct reader *r, const struct node *services,
		       struct stack_network *networks, size_t *count)
{
	size_t i = 0;

	while (i < services->n && !is_on_bridge(services->pairs[i].value))
		i++;
	if (i == services->n || is_declared(networks, *count))
		return;
	networks[(*count)++] = (struct stack_network){
		.key = BRIDGE,
		.name = arena_printf(r->arena, "%s_%s", r->stack->name, BRIDGE),
		.pos = node_get(services->pairs[i].value, "network_mode")->pos,
		.used = true,
		.ipv4 = true,
	};
}

/* Those that the services use: the others are gone from the tree. */
void model_networks(struct reader *r, const struct node *n, const struct node *services)
{
	size_t count = n ? n->n : 0;
	struct stack_network *networks = arena_array(r->arena, struct stack_network, count + 1);

	for (size_t i = 0; i < count; i++) {
		networks[i] = (struct stack_network){
			.key = n->pairs[i].key,
			.pos = n->pairs[i].pos,
			.used = true,
		};
		read_network(r, n->pairs[i].value, &networks[i]);
	}
	add_bridge(r, services, networks, &count);
	r->stack->networks = networks;
	r->stack->n_networks = count;
}

/* ---- of a service ---------------------------------------------------------------------------- */

/* As moby puts them on a link: the whole range of link-local addresses is on it. */
static void read_link_locals(struct reader *r, const struct node *n, struct stack_attach *ret)
{
	struct ip_net *list = arena_array(r->arena, struct ip_net, n ? n->n : 0);

	for (size_t i = 0; n && i < n->n; i++)
		if (ip_parse(n->items[i]->text, &list[i].ip))
			list[i].prefix = list[i].ip.family == AF_INET ? 16 : 64;
	ret->link_locals = list;
	ret->n_link_locals = n ? n->n : 0;
}

/* NAME=VALUE[,NAME=VALUE...], looked at by the form. */
static void read_sysctls(struct reader *r, const struct node *n, struct stack_attach *ret)
{
	char *rest = n ? arena_strdup(r->arena, n->text) : NULL, *one;
	struct stack_kv *list =
		arena_array(r->arena, struct stack_kv, rest ? strlen(rest) / 2 + 1 : 0);

	while ((one = strsep(&rest, ","))) {
		char *value = strchr(one, '=');

		if (!value)
			continue;
		*value = '\0';
		list[ret->sysctls.n++] = (struct stack_kv){ one, value + 1, n->pos };
	}
	ret->sysctls.v = list;
}

static void read_interface(struct reader *r, const struct node *n, struct stack_attach *ret)
{
	const struct node *options = node_get(n, "driver_opts");
	const char *mac = node_text(n, "mac_address");

	ret->interface_name = node_text(n, "interface_name");
	if (!ret->interface_name)
		ret->interface_name = node_text(options, "com.docker.network.endpoint.ifname");
	if (mac)
		mac_parse(mac, ret->mac);
	ret->gw_priority = value_num(n, "gw_priority").value;
	ret->priority = value_num(n, "priority").value;
	model_vlan(r, node_get(n, "x-vlan"), &ret->vlan);
	read_link_locals(r, node_get(n, "link_local_ips"), ret);
	read_sysctls(r, node_get(options, "com.docker.network.endpoint.sysctls"), ret);
}

/* Those of one priority stay in the order of the file. */
static void sort_attachments(struct stack_attach *list, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct stack_attach one = list[i];
		size_t at = i;

		for (; at && list[at - 1].priority < one.priority; at--)
			list[at] = list[at - 1];
		list[at] = one;
	}
}

/* The older key, which is of the whole service, speaks of its first network. */
static void give_mac(const struct node *service, struct stack_attach *first)
{
	static const uint8_t none[6];
	const char *mac = node_text(service, "mac_address");

	if (mac && !memcmp(first->mac, none, sizeof(none)))
		mac_parse(mac, first->mac);
}

void model_attachments(struct reader *r, const struct node *service, struct stack_service *s)
{
	const struct node *n = node_get(service, "networks");
	struct stack_attach *list = arena_array(r->arena, struct stack_attach, n ? n->n : 1);

	s->networks = list;
	s->n_networks = n ? n->n : 0;
	if (is_on_bridge(service)) {
		list[0].network = find_network(r->stack, BRIDGE);
		list[0].pos = node_get(service, "network_mode")->pos;
		s->n_networks = 1;
		give_mac(service, &list[0]);
		return;
	}
	for (size_t i = 0; n && i < n->n; i++) {
		const struct node *one = n->pairs[i].value, *impair = node_get(one, "x-impair");

		list[i] = (struct stack_attach){
			.network = find_network(r->stack, n->pairs[i].key),
			.aliases = value_strs(r, one, "aliases"),
			.impair = model_impair(r, impair),
			.pos = n->pairs[i].pos,
		};
		list[i].ipv4 = get_ip(one, "ipv4_address", &list[i].ipv4_pos);
		list[i].ipv6 = get_ip(one, "ipv6_address", &list[i].ipv6_pos);
		if (impair)
			list[i].impair_pos = impair->pos;
		read_interface(r, one, &list[i]);
	}
	sort_attachments(list, s->n_networks);
	if (s->n_networks)
		give_mac(service, &list[0]);
}

/* An address alone is a subnet of one. */
static void read_allow(struct reader *r, const struct node *n, struct stack_port *ret)
{
	struct ip_net *list = arena_array(r->arena, struct ip_net, n ? n->n : 0);

	for (size_t i = 0; n && i < n->n; i++) {
		if (!ip_net_parse(n->items[i]->text, &list[i]) &&
		    ip_parse(n->items[i]->text, &list[i].ip))
			list[i].prefix = (uint8_t)ip_bits(&list[i].ip);
	}
	ret->allow = list;
	ret->n_allow = n ? n->n : 0;
}

/* "8000" or "8000-8010". */
static void read_published(const char *text, struct stack_port *ret)
{
	const char *dash = text ? strchr(text, '-') : NULL;
	unsigned long first = text ? strtoul(text, NULL, 10) : 0,
		      last = dash ? strtoul(dash + 1, NULL, 10) : first;

	ret->published = (uint16_t)first;
	ret->n_published = (uint16_t)(last - first + 1);
}

void model_ports(struct reader *r, const struct node *service, struct stack_service *s)
{
	const struct node *n = node_get(service, "ports");
	struct stack_port *list = arena_array(r->arena, struct stack_port, n ? n->n : 0);

	for (size_t i = 0; n && i < n->n; i++) {
		const struct node *one = n->items[i], *target = node_get(one, "target");
		const char *protocol = node_text(one, "protocol");
		struct stack_pos ignored;

		list[i] = (struct stack_port){
			.host_ip = get_ip(one, "host_ip", &ignored),
			.target = (uint16_t)target->number,
			.protocol =
				protocol && !strcmp(protocol, "udp") ? IPPROTO_UDP : IPPROTO_TCP,
			.pos = one->pos,
		};
		read_published(node_text(one, "published"), &list[i]);
		read_allow(r, node_get(one, "x-allow"), &list[i]);
	}
	s->ports = list;
	s->n_ports = n ? n->n : 0;
}

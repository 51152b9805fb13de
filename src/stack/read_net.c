/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read_net: networks with their subnets, named volumes, and the `networks` of a service. Called by
 * load before any service is read, and through the tables of keys.
 */
#include <arpa/inet.h>
#include <ctype.h>

#include "stack/find.h"
#include "stack/keys.h"
#include "stack/names.h"
#include "stack/read_net.h"
#include "stack/read_service.h"

#define NETWORKS_MAX 1000
#define VOLUMES_MAX  1000
#define PREFIX_LEAST 8
#define PREFIX_MOST  29

/* ---- addresses ------------------------------------------------------------------------------- */

static bool parse_ip(struct reader *r, const struct where *w, const struct node *n,
		     struct in_addr *ret)
{
	if (inet_pton(AF_INET, n->text, ret) == 1)
		return true;
	reader_error(r, w, n->pos, NULL,
		     strchr(n->text, ':') ? "IPv6 address '%.60s': not supported yet"
					  : "'%.60s' is not an IPv4 address",
		     n->text);
	return false;
}

/* A.B.C.D/N; false: it is not of that shape. */
static bool parse_subnet(const char *text, struct in_addr *ret_ip, unsigned *ret_prefix)
{
	char ip[INET_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	int64_t prefix;

	if (!slash || (size_t)(slash - text) >= sizeof(ip) || !isdigit((unsigned char)slash[1]))
		return false;
	memcpy(ip, text, (size_t)(slash - text));
	ip[slash - text] = '\0';
	if (value_parse_int(slash + 1, &prefix) < 0 || prefix > 32)
		return false;
	*ret_prefix = (unsigned)prefix;
	return inet_pton(AF_INET, ip, ret_ip) == 1;
}

/* Bits behind the prefix are refused, not cut: which address was meant cannot be known. */
static VALUE_READER(read_subnet)
{
	struct stack_network *network = field;
	struct in_addr ip;
	unsigned prefix;

	if (strchr(n->text, ':'))
		reader_error(r, w, n->pos, NULL, "IPv6 subnet '%.60s': not supported yet", n->text);
	else if (!parse_subnet(n->text, &ip, &prefix))
		reader_error(r, w, n->pos, NULL, "'%.60s' is not a subnet; write like 10.20.0.0/24",
			     n->text);
	else if (prefix < PREFIX_LEAST || prefix > PREFIX_MOST)
		reader_error(r, w, n->pos, NULL, "'%.60s': subnets go from /%d to /%d", n->text,
			     PREFIX_LEAST, PREFIX_MOST);
	else if (ntohl(ip.s_addr) & (UINT32_MAX >> prefix))
		reader_error(r, w, n->pos, NULL,
			     "'%.60s' is the address of a host: behind /%u all bits must be 0",
			     n->text, prefix);
	else {
		network->subnet = ip;
		network->prefix = prefix;
		network->subnet_pos = n->pos;
	}
}

static VALUE_READER(read_gateway)
{
	struct stack_network *network = field;

	if (parse_ip(r, w, n, &network->gateway))
		network->gateway_pos = n->pos;
}

/* ---- networks -------------------------------------------------------------------------------- */

static VALUE_READER(read_net_name)
{
	if (name_check(r, w, n->pos, n->text))
		*(const char **)field = n->text;
}

/* Empty and `default` are what files carry that were written by other tools. */
static VALUE_READER(read_net_driver)
{
	(void)field;
	if (*n->text && strcmp(n->text, "bridge") && strcmp(n->text, "default"))
		reader_error(r, w, n->pos, NULL, "'%.40s': not supported yet; there is only bridge",
			     n->text);
}

static VALUE_READER(read_ipam_driver)
{
	(void)field;
	if (strcmp(n->text, "default"))
		reader_error(r, w, n->pos, NULL,
			     "'%.40s': not supported yet; there is only default", n->text);
}

/* clang-format off */
static const struct key ipam_config_rows[] = {
	WHOLE("gateway", STR, read_gateway),
	WHOLE("subnet", STR, read_subnet),
	REFUSE("aux_addresses", MAP, NULL),
	REFUSE("ip_range", STR, NULL),
};
static const struct key_table ipam_config_keys = TABLE(ipam_config_rows);
/* clang-format on */

/* A second entry would be IPv6 or a second range, and a bridge has one subnet here. */
static VALUE_READER(read_ipam_config)
{
	struct stack_network *network = field;

	for (size_t i = 0; i < n->n; i++) {
		struct where here = { w, NULL, i };

		if (!reader_check_kind(r, &here, n->items[i], NODE_MAP))
			continue;
		if (i)
			reader_error(r, &here, n->items[i]->pos, NULL,
				     "a second subnet: not supported yet");
		else
			reader_map(r, &here, n->items[i], &ipam_config_keys, network);
	}
	if (network->gateway.s_addr && !network->prefix)
		reader_error(r, w, network->gateway_pos, NULL, "a gateway without a subnet");
}

/* clang-format off */
static const struct key ipam_rows[] = {
	WHOLE("config", LST, read_ipam_config),
	WHOLE("driver", STR, read_ipam_driver),
	REFUSE("options", MAP, NULL),
};
static const struct key_table ipam_keys = TABLE(ipam_rows);
/* clang-format on */

static VALUE_READER(read_ipam)
{
	reader_map(r, w, n, &ipam_keys, field);
}

/* Bridges with IPv4 only for now. */
/* clang-format off */
static const struct key network_rows[] = {
	DONE("internal", BOO | STR, value_bool, stack_network, internal),
	DONE("name", STR, read_net_name, stack_network, name),
	WHOLE("driver", STR, read_net_driver),
	WHOLE("enable_ipv6", BOO | STR, value_only_false),
	WHOLE("external", BOO | STR | MAP, value_only_false),
	WHOLE("ipam", MAP, read_ipam),
	WARN("attachable", BOO | STR, CLUSTER),
	REFUSE("driver_opts", MAP, NULL),
	REFUSE("enable_ipv4", BOO | STR, NULL),
	WARN("labels", MAP | LST, DESCRIBES),
};
static const struct key_table network_keys = TABLE(network_rows);
/* clang-format on */

/* How many entries are to be read; none when there are too many. */
static size_t check_count(struct reader *r, const struct where *w, const struct node *n, size_t max)
{
	if (!n || n->n <= max)
		return n ? n->n : 0;
	reader_error(r, w, n->pos, NULL, "%zu entries: more than %zu are not taken", n->n, max);
	return 0;
}

/*
 * One place more than there are networks: `default` is put behind them when it is not declared, and
 * taken away by load when nobody is on it.
 */
void read_networks(struct reader *r, const struct where *w, const struct node *n)
{
	size_t count = check_count(r, w, n, NETWORKS_MAX);
	struct stack_network *networks = arena_array(r->arena, struct stack_network, count + 1);

	r->stack->networks = networks;
	r->stack->n_networks = count;
	for (size_t i = 0; i < count; i++) {
		const struct node_pair *pair = &n->pairs[i];
		struct where here = { w, pair->key, 0 };

		networks[i].key = pair->key;
		networks[i].pos = pair->pos;
		if (name_check(r, &here, pair->pos, pair->key) &&
		    reader_check_kind(r, &here, pair->value, NODE_MAP | NODE_NULL))
			reader_map(r, &here, pair->value, &network_keys, &networks[i]);
		if (!networks[i].name)
			networks[i].name =
				arena_printf(r->arena, "%s_%s", r->stack->name, pair->key);
	}
	if (!find_network(r->stack, "default")) {
		networks[count] =
			(struct stack_network){ .key = "default",
						.name = arena_printf(r->arena, "%s_default",
								     r->stack->name) };
		r->stack->n_networks++;
	}
}

/* ---- attachments of a service ---------------------------------------------------------------- */

struct attach_list VEC(struct stack_attach);

static VALUE_READER(read_address)
{
	struct stack_attach *attach = field;

	if (parse_ip(r, w, n, &attach->ipv4))
		attach->ipv4_pos = n->pos;
}

/* An attachment: one entry of a service's `networks`. */
/* clang-format off */
static const struct key service_network_rows[] = {
	DONE("aliases", LST, value_strings, stack_attach, aliases),
	WHOLE("ipv4_address", STR, read_address),
	REFUSE("driver_opts", MAP, NULL),
	REFUSE("gw_priority", NUM, NULL),
	REFUSE("interface_name", STR, NULL),
	REFUSE("ipv6_address", STR, NULL),
	REFUSE("link_local_ips", LST, NULL),
	REFUSE("mac_address", STR, NULL),
	REFUSE("priority", NUM, NULL),
	REFUSE("x-impair", MAP, NULL),
	REFUSE("x-vlan", MAP, NULL),
};
static const struct key_table service_network_keys = TABLE(service_network_rows);
/* clang-format on */

/* The network is marked as used: only those are made, and only those are printed. */
static void add_attach(struct reader *r, const struct where *w, struct attach_list *list,
		       const char *key, struct stack_attach a)
{
	struct stack_network *network = find_network(r->stack, key);

	if (!network) {
		reader_error(r, w, a.pos, NULL,
			     "network '%.64s' is not declared under the top-level 'networks'", key);
		return;
	}
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].network == network) {
			reader_error(r, w, a.pos, NULL,
				     "network '%.64s' is named twice, first at %s", key,
				     reader_place(r, list->v[i].pos));
			return;
		}
	network->used = true;
	a.network = network;
	vec_push(list, a);
}

/* A list of names, or a map of names to details; an empty entry of the map has none. */
VALUE_READER(read_attachments)
{
	struct stack_service *s = field;
	struct attach_list list = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		const struct node_pair *pair = n->kind == NODE_MAP ? &n->pairs[i] : NULL;
		const struct node *item = pair ? pair->value : n->items[i];
		struct where here = { w, pair ? pair->key : NULL, i };
		struct stack_attach a = { .pos = pair ? pair->pos : item->pos };

		if (!reader_check_kind(r, &here, item, pair ? NODE_MAP | NODE_NULL : NODE_STRING))
			continue;
		if (pair)
			reader_map(r, &here, item, &service_network_keys, &a);
		add_attach(r, &here, &list, pair ? pair->key : item->text, a);
	}
	s->networks = reader_keep(r, &list);
	s->n_networks = list.n;
	vec_fini(&list);
}

/* ---- volumes --------------------------------------------------------------------------------- */

struct volume_draft {
	struct stack_volume v;
	struct stack_str name, driver;
};

/* Folders below the data folder only for now. */
/* clang-format off */
static const struct key volume_rows[] = {
	DONE("driver", STR, value_text, volume_draft, driver),
	DONE("external", BOO | STR, value_bool, volume_draft, v.external),
	DONE("name", STR, value_string, volume_draft, name),
	REFUSE("driver_opts", MAP, NULL),
	WARN("labels", MAP | LST, DESCRIBES),
};
static const struct key_table volume_keys = TABLE(volume_rows);
/* clang-format on */

/* With `external` the volume is somebody else's: only its name may be told. */
static void read_top_volume(struct reader *r, const struct where *w, const struct node_pair *pair,
			    struct stack_volume *v)
{
	struct volume_draft d = { .v = { .key = pair->key, .pos = pair->pos } };

	if (!name_check(r, w, pair->pos, pair->key) ||
	    !reader_check_kind(r, w, pair->value, NODE_MAP | NODE_NULL))
		return;
	reader_map(r, w, pair->value, &volume_keys, &d);
	if (d.driver.text && *d.driver.text && strcmp(d.driver.text, "local"))
		reader_error(r, w, d.driver.pos, NULL,
			     "driver '%.40s': not supported; there is only local", d.driver.text);
	for (size_t i = 0; d.v.external && i < pair->value->n; i++) {
		const struct node_pair *other = &pair->value->pairs[i];

		if (strcmp(other->key, "name") && strcmp(other->key, "external") &&
		    strncmp(other->key, "x-", 2) && other->value->kind != NODE_NULL)
			reader_error(r, w, other->pos, NULL,
				     "'%s' beside 'external: true': what exists already cannot be "
				     "described anew",
				     other->key);
	}
	*v = d.v;
	if (d.name.text && name_check(r, w, d.name.pos, d.name.text))
		v->name = d.name.text;
	else
		v->name = d.v.external ? v->key
				       : arena_printf(r->arena, "%s_%s", r->stack->name, v->key);
}

void read_top_volumes(struct reader *r, const struct where *w, const struct node *n)
{
	size_t count = check_count(r, w, n, VOLUMES_MAX);
	struct stack_volume *volumes = arena_array(r->arena, struct stack_volume, count);

	for (size_t i = 0; i < count; i++) {
		struct where here = { w, n->pairs[i].key, 0 };

		volumes[i].key = n->pairs[i].key;
		read_top_volume(r, &here, &n->pairs[i], &volumes[i]);
	}
	r->stack->volumes = volumes;
	r->stack->n_volumes = count;
}

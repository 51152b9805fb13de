/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_net: the top-level networks. Called through the tables of keys. Whether an address lies in its
 * subnet, and subnets beside each other, is the business of crosscheck.
 */
#include "stack/keys.h"
#include "stack/netopts.h"
#include "stack/resource.h"
#include "stack/sections.h"

#define NETWORKS_MAX 1000
#define SUBNETS_MAX  8	  /* of one network */
#define MTU_LEAST_6  1280 /* with less a link carries no IPv6 (RFC 8200) */

/* How large a subnet may be, by its family. */
static const struct {
	unsigned least, most;
} prefixes[] = { { 8, 29 }, { 16, 124 } };

/* ---- addresses ------------------------------------------------------------------------------- */

/* Empty is what a variable leaves that is not set; compose takes it for "not given". */
static FORM(form_address)
{
	struct ip ip;

	if (!*n->text)
		return NULL;
	if (ip_parse(n->text, &ip))
		return form_text(r, w, n);
	reader_error(r, w, n->pos, NULL, "'%.60s' is not an IP address", n->text);
	return NULL;
}

/* Bits behind the prefix are refused, not cut: which address was meant cannot be known. */
static struct node *subnet(struct reader *r, const struct where *w, const struct node *n,
			   struct ip_net *ret)
{
	if (!*n->text)
		return NULL;
	if (!ip_net_parse(n->text, ret))
		reader_error(r, w, n->pos, NULL,
			     "'%.60s' is not a subnet; write like 10.20.0.0/24 or fd00:1::/64",
			     n->text);
	else if (ip_has_host_bits(ret))
		reader_error(r, w, n->pos, NULL,
			     "'%.60s' is the address of a host: behind /%u all bits must be 0",
			     n->text, ret->prefix);
	else
		return form_text(r, w, n);
	return NULL;
}

static FORM(form_range)
{
	struct ip_net range;

	return subnet(r, w, n, &range);
}

static FORM(form_subnet)
{
	struct ip_net s;
	struct node *out = subnet(r, w, n, &s);

	bool six = out && s.ip.family == AF_INET6;

	if (out && (s.prefix < prefixes[six].least || s.prefix > prefixes[six].most))
		reader_refuse(r, w, n->pos, NULL, "'%.60s': subnets go from /%u to /%u", n->text,
			      prefixes[six].least, prefixes[six].most);
	return out;
}

/* ---- ipam ------------------------------------------------------------------------------------ */

/* clang-format off */
static const struct key any_option = DONE("NAME", STR | NUM, AS(form_text));
static const struct key_table option_keys = CHOSEN(any_option);

static const struct key any_aux = DONE("NAME", STR, AS(form_address));
static const struct key_table aux_keys = CHOSEN(any_aux);

static const struct key pool_rows[] = {
	DONE("aux_addresses", MAP, BELOW(aux_keys)),
	DONE("gateway", STR, AS(form_address)),
	DONE("ip_range", STR, AS(form_range)),
	DONE("subnet", STR, AS(form_subnet)),
};
static const struct key_table pool_keys = TABLE(pool_rows);
/* clang-format on */

/* What says something about a subnet needs one. */
static void check_pool(struct reader *r, const struct where *w, const struct node *pool,
		       const struct node *as_written)
{
	static const char *const keys[] = { "gateway", "ip_range", "aux_addresses" };

	for (size_t i = 0; i < ARRAY_LEN(keys) && !node_find(as_written, "subnet"); i++)
		if (node_get(pool, keys[i]))
			reader_error(r, w, node_get(pool, keys[i])->pos, NULL,
				     "'%s' without a subnet", keys[i]);
}

/* Several, of both families: each is a subnet of the one bridge. */
static FORM(form_pools)
{
	struct node_items items = { 0 };

	for (size_t i = 0; i < n->n; i++) {
		struct where here = { .up = w, .index = i };
		struct node *pool;

		if (!reader_check_kind(r, &here, n->items[i], MAP))
			continue;
		pool = form_map(r, &here, n->items[i], &pool_keys);
		vec_push(&items, pool);
		check_pool(r, &here, pool, n->items[i]);
		if (i == SUBNETS_MAX)
			reader_refuse(r, &here, n->items[i]->pos, NULL, "more than %d subnets",
				      SUBNETS_MAX);
	}
	return node_list_done(r->arena, n->pos, &items);
}

static FORM(form_ipam_driver)
{
	if (*n->text && strcmp(n->text, "default"))
		reader_refuse(r, w, n->pos, "there is only 'default'", "'%.40s'", n->text);
	return form_text(r, w, n);
}

/* clang-format off */
static const struct key ipam_rows[] = {
	DONE("config", LST, AS(form_pools), BELOW(pool_keys), JOINS_BY("subnet")),
	DONE("driver", STR, AS(form_ipam_driver), ONLY("default; others are refused")),
	REFUSE("options", MAP, "leave them out: addresses are given out by mstack itself", BELOW(option_keys)),
};
static const struct key_table ipam_keys = TABLE(ipam_rows);
/* clang-format on */

/* ---- networks -------------------------------------------------------------------------------- */

/* clang-format off */
static const struct key network_rows[] = {
	DONE("attachable", BOO | STR, AS(form_bool)),
	DONE("driver", STR, AS(form_net_driver), ONLY("bridge, macvlan and vxlan; others are refused")),
	DONE("driver_opts", MAP, BELOW(netopts_keys)),
	DONE("enable_ipv4", BOO | STR, AS(form_bool)),
	DONE("enable_ipv6", BOO | STR, AS(form_bool)),
	DONE("external", BOO | STR | MAP, AS(form_bool)),
	DONE("internal", BOO | STR, AS(form_bool)),
	DONE("ipam", MAP, BELOW(ipam_keys)),
	WARN("labels", MAP | LST, DESCRIBES, AS(form_pairs), MERGES(PAIRS)),
	DONE("name", STR, AS(resource_name)),
};
static const struct key_table network_keys = TABLE(network_rows);
/* clang-format on */

static bool is_off(const struct node *network, const char *key)
{
	const struct node *n = node_get(network, key);

	return n && !n->number;
}

/* A family that is off: its subnets are not used, and who names one may not have meant that. */
static void check_families(struct reader *r, const struct where *w, const struct node *out)
{
	const struct node *mtu = netopts_get(node_get(out, "driver_opts"), NETOPTS_MTU);
	const struct node *config = node_get(node_get(out, "ipam"), "config"),
			  *six = node_get(out, "enable_ipv6");
	bool off4 = is_off(out, "enable_ipv4"), off6 = is_off(out, "enable_ipv6");

	for (size_t i = 0; config && i < config->n; i++) {
		const struct node *subnet = node_get(config->items[i], "subnet");

		if (subnet && (strchr(subnet->text, ':') ? off6 : off4))
			reader_warn(r, w, subnet->pos, "subnet %s is not used: '%s' is false",
				    subnet->text,
				    strchr(subnet->text, ':') ? "enable_ipv6" : "enable_ipv4");
		if (subnet && strchr(subnet->text, ':') && !six)
			six = subnet;
	}
	if (mtu && mtu->number < MTU_LEAST_6 && six && !off6)
		reader_error(r, w, mtu->pos, NULL,
			     "an MTU of %d is too small for IPv6: %d at least", (int)mtu->number,
			     MTU_LEAST_6);
	if (off4 && (off6 || !six))
		reader_error(r, w, node_get(out, "enable_ipv4")->pos, "set 'enable_ipv6: true'",
			     "a network without IPv4 and without IPv6");
}

/* compose says nothing here, and of volumes it makes an error. Addresses may be given out of a part of what there is. */
static FORM(form_network)
{
	struct node *out = resource_form(r, w, n, &network_keys);

	if (out) {
		check_families(r, w, out);
		netopts_check(r, w, out, n);
	}
	for (size_t i = 0; out && resource_is_external(out) && i < out->n; i++)
		if (resource_describes(&out->pairs[i]) && strcmp(out->pairs[i].key, "ipam") != 0)
			reader_warn(r, w, out->pairs[i].pos,
				    "'%s' beside 'external: true' has no effect: what exists "
				    "already is as it is",
				    out->pairs[i].key);
	return out;
}

/* clang-format off */
static const struct key any_network = DONE("NAME", NUL | MAP, AS(form_network), BELOW(network_keys));
const struct key_table networks_keys = CHOSEN(any_network);
/* clang-format on */

FORM(form_networks)
{
	return resource_count(r, w, n, NETWORKS_MAX) ? form_map(r, w, n, &networks_keys) : NULL;
}

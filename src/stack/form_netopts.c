/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_netopts: `driver` and `driver_opts` of a network: which options there are, for which driver, and what each takes. Called by
 * form_net.c. An option that nobody knows here is refused by name, so that no network runs as another one than was asked for.
 */
#include "stack/attributes.h"
#include "stack/keys.h"
#include "stack/netopts.h"
#include "stack/resource.h"

#define PEERS_MAX 64
#define VNI_MAX	  0xffffff

/* ---- values ---------------------------------------------------------------------------------- */

static struct node *number(struct reader *r, const struct where *w, const struct node *n,
			   const char *what, int64_t least, int64_t most)
{
	struct node *out = form_text(r, w, n);
	int64_t value;

	if (!*n->text)
		return NULL;
	if (*n->text < '1' || *n->text > '9' || n->text[strspn(n->text, "0123456789")] ||
	    text_parse_int(n->text, &value) || value < least || value > most) {
		reader_error(r, w, n->pos, NULL, "'%.40s' is not %s: %d to %d", n->text, what,
			     (int)least, (int)most);
		return NULL;
	}
	out->number = value;
	return out;
}

/* The number is read by the model, so it must be one. */
static FORM(form_mtu)
{
	return number(r, w, n, "an MTU", NETOPTS_MTU_LEAST, 65535);
}

static FORM(form_vni)
{
	return number(r, w, n, "the number of a tunnel", 1, VNI_MAX);
}

static FORM(form_udp_port)
{
	return number(r, w, n, "a port", 1, 65535);
}

/* As Go's ParseBool, in its usual spellings. */
static FORM(form_truth)
{
	static const char *const on[] = { "true", "True", "TRUE", "1" }, *const off[] = {
		"false", "False", "FALSE", "0"
	};
	struct node *out = form_text(r, w, n);

	if (!*n->text)
		return NULL;
	out->number = text_is_one_of(n->text, on, ARRAY_LEN(on));
	if (out->number || text_is_one_of(n->text, off, ARRAY_LEN(off)))
		return out;
	reader_error(r, w, n->pos, NULL, "'%.40s' is neither true nor false", n->text);
	return NULL;
}

/* What a bridge does here anyway, in Docker's words; other values are refused. */
static FORM(form_masqueraded)
{
	if (*n->text && strcmp(n->text, "nat") != 0)
		reader_refuse(r, w, n->pos, "there is only 'nat'", "'%.40s'", n->text);
	return form_text(r, w, n);
}

static FORM(form_not_inhibited)
{
	struct node *out = form_truth(r, w, n);

	if (out && out->number)
		reader_refuse(r, w, n->pos, "leave it out", "'%.40s'", n->text);
	return out;
}

static FORM(form_bind4)
{
	struct ip ip;

	if (!*n->text)
		return NULL;
	if (ip_parse(n->text, &ip) && ip.family == AF_INET)
		return form_text(r, w, n);
	reader_error(r, w, n->pos, NULL, "'%.60s' is not an IPv4 address", n->text);
	return NULL;
}

static FORM(form_macvlan_mode)
{
	if (!*n->text)
		return NULL;
	return form_word(r, w, n, netopts_macvlan_modes, NETOPTS_MACVLAN_MODES);
}

const char *const netopts_macvlan_modes[NETOPTS_MACVLAN_MODES] = {
	[STACK_MACVLAN_BRIDGE] = "bridge",
	[STACK_MACVLAN_PRIVATE] = "private",
	[STACK_MACVLAN_VEPA] = "vepa",
	[STACK_MACVLAN_PASSTHRU] = "passthru",
};

size_t netopts_peers(struct arena *arena, const char *text, const struct ip **ret,
		     const char **ret_wrong)
{
	struct ip *list = arena_array(arena, struct ip, PEERS_MAX + 1);
	size_t n = 0;

	for (const char *at = text; *at; at += *at == ',') {
		size_t len = strcspn(at, ",");
		char *one = arena_strndup(arena, at + strspn(at, " "),
					  len - strspn(at, " ") * (*at == ' '));

		one[strcspn(one, " ,")] = '\0';
		at += len;
		*ret_wrong = one;
		if (n == PEERS_MAX || !ip_parse(one, &list[n]) || ip_is_zero(&list[n]) ||
		    list[n].family != list[0].family)
			return 0;
		for (size_t i = 0; i < n; i++)
			if (ip_equal(&list[i], &list[n]))
				return 0;
		n++;
	}
	*ret = list;
	return n;
}

static FORM(form_peers)
{
	const char *wrong = "";
	const struct ip *peers;

	if (!*n->text)
		return NULL;
	if (netopts_peers(r->arena, n->text, &peers, &wrong))
		return form_text(r, w, n);
	reader_error(
		r, w, n->pos,
		"addresses of other hosts, all IPv4 or all IPv6, each once, with commas between",
		"'%.60s' does not belong here", wrong);
	return NULL;
}

/* ---- options --------------------------------------------------------------------------------- */

#define EVERY	"bridge, macvlan, vxlan"
#define BRIDGES "bridge, vxlan"

/* clang-format off */
/* For which drivers they are, stands behind each: check_option reads it. */
static const struct key option_rows[] = {
	DONE(NETOPTS_BRIDGE "enable_icc", STR | NUM, AS(form_truth), ONLY(BRIDGES)),
	DONE(NETOPTS_BRIDGE "enable_ip_masquerade", STR | NUM, AS(form_truth), ONLY(BRIDGES)),
	DONE(NETOPTS_BRIDGE "gateway_mode_ipv4", STR, AS(form_masqueraded), ONLY(BRIDGES)),
	DONE(NETOPTS_BRIDGE "gateway_mode_ipv6", STR, AS(form_masqueraded), ONLY(BRIDGES)),
	DONE(NETOPTS_BRIDGE "host_binding_ipv4", STR, AS(form_bind4), ONLY(BRIDGES)),
	DONE(NETOPTS_BRIDGE "inhibit_ipv4", STR | NUM, AS(form_not_inhibited), ONLY(BRIDGES)),
	DONE(NETOPTS_BRIDGE "name", STR, AS(form_interface), ONLY(BRIDGES)),
	DONE(NETOPTS_MTU, STR | NUM, AS(form_mtu), ONLY(EVERY)),
	DONE("dev", STR, AS(form_interface), ONLY("vxlan")),
	DONE("id", STR | NUM, AS(form_vni), ONLY("vxlan")),
	DONE("macvlan_mode", STR, AS(form_macvlan_mode), ONLY("macvlan")),
	DONE("mtu", STR | NUM, AS(form_mtu), ONLY(EVERY)),
	DONE("parent", STR, AS(form_interface), ONLY("macvlan, vxlan")),
	DONE("peers", STR, AS(form_peers), ONLY("vxlan")),
	DONE("port", STR | NUM, AS(form_udp_port), ONLY("vxlan")),
	DONE("remote", STR, AS(form_peers), ONLY("vxlan")),
	DONE("vni", STR | NUM, AS(form_vni), ONLY("vxlan")),
};
/* Whether its driver is one that is refused itself is seen when that is known. */
static const struct key any_option = DONE("NAME", STR | NUM, AS(form_text));
const struct key_table netopts_keys = CHOSEN_BESIDE(option_rows, any_option);
/* clang-format on */

static const struct key *find_option(const char *name)
{
	const struct key *k = key_find(&netopts_keys, name);

	return k == &any_option ? NULL : k;
}

/* Two names of one option. */
static const char *const same[][2] = {
	{ NETOPTS_MTU, "mtu" },
	{ "parent", "dev" },
	{ "vni", "id" },
	{ "peers", "remote" },
};

static const char *other_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (!strcmp(same[i][0], name))
			return same[i][1];
	return NULL;
}

/* ---- the driver ------------------------------------------------------------------------------ */

/* Empty and `default` are what files carry that were written by other tools. */
static const struct driver {
	const char *word;
	enum stack_net_driver kind;
} drivers[] = {
	{ "bridge", STACK_BRIDGE },   { "", STACK_BRIDGE },	{ "default", STACK_BRIDGE },
	{ "macvlan", STACK_MACVLAN }, { "vxlan", STACK_VXLAN },
};

static const struct driver *find_driver(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
		if (!strcmp(drivers[i].word, word))
			return &drivers[i];
	return NULL;
}

FORM(form_net_driver)
{
	if (!find_driver(n->text))
		reader_refuse(r, w, n->pos, "there are 'bridge', 'macvlan' and 'vxlan'", "'%.40s'",
			      n->text);
	return form_text(r, w, n);
}

enum stack_net_driver netopts_driver(const struct node *network)
{
	const char *word = node_text(network, "driver");
	const struct driver *d = word ? find_driver(word) : NULL;

	return d ? d->kind : STACK_BRIDGE;
}

/* ---- both together --------------------------------------------------------------------------- */

static const char *const words[STACK_NET_DRIVERS] = {
	[STACK_BRIDGE] = "bridge",
	[STACK_MACVLAN] = "macvlan",
	[STACK_VXLAN] = "vxlan",
};

/* No word of a driver is part of another one. */
static bool is_for(const struct key *option, enum stack_net_driver driver)
{
	return strstr(option->note, words[driver]);
}

/* What this driver knows, for the hint. */
static const char *known(struct reader *r, enum stack_net_driver driver)
{
	const char *text = NULL;

	for (size_t i = 0; i < netopts_keys.n; i++)
		if (is_for(&netopts_keys.keys[i], driver))
			text = arena_printf(r->arena, text ? "%s, %s" : "%s%s",
					    text ? text : "known are ", netopts_keys.keys[i].name);
	return text;
}

static void check_option(struct reader *r, const struct where *w, enum stack_net_driver driver,
			 const struct node *all, const struct node_pair *pair)
{
	const struct where here = where_in(w, pair->key);
	const struct key *o = find_option(pair->key);
	const char *name = other_name(pair->key);
	const struct node *other = name ? node_get(all, name) : NULL;

	if (!o || !is_for(o, driver))
		reader_refuse(r, &here, pair->pos, known(r, driver), "%s", "");
	else if (other && strcmp(other->text, pair->value->text) != 0)
		reader_error(r, &here, pair->pos, "give it once",
			     "is '%.60s' here and '%.60s' in '%s', %s", pair->value->text,
			     other->text, name, reader_place(r, other->pos));
}

static void check_needed(struct reader *r, const struct where *w, enum stack_net_driver driver,
			 const struct node *network, const struct node *all)
{
	const struct node *at = node_get(network, "driver"),
			  *internal = node_get(network, "internal");
	const struct where here = where_in(w, "driver");

	if (driver == STACK_VXLAN && !(netopts_get(all, "vni") && netopts_get(all, "peers")))
		reader_error(r, &here, at->pos,
			     "driver_opts: {vni: 42, peers: \"192.0.2.10,192.0.2.11\"}",
			     "'vxlan' needs the number of the tunnel and the other hosts");
	if (driver != STACK_MACVLAN)
		return;
	if (internal && internal->number)
		reader_refuse(r, &here, at->pos, "without a way out 'bridge' is the same",
			      "'macvlan' with 'internal: true'");
	else if (!netopts_get(all, "parent"))
		reader_refuse(r, &here, at->pos, "name the device: driver_opts: {parent: eth0}",
			      "'macvlan' without a 'parent'");
}

void netopts_check(struct reader *r, const struct where *w, const struct node *network,
		   const struct node *as_written)
{
	enum stack_net_driver driver = netopts_driver(network);
	const struct node *all = node_get(network, "driver_opts");
	const struct where here = where_in(w, "driver_opts");
	const char *word = node_text(network, "driver");

	/* Of a driver that is refused, and of what is there already, there is nothing to say. */
	if (resource_is_external(network) || (word && !find_driver(word)))
		return;
	for (size_t i = 0; all && i < all->n; i++)
		check_option(r, &here, driver, all, &all->pairs[i]);
	/* What is wrong has been told, and is not missing. */
	check_needed(r, w, driver, network, node_get(as_written, "driver_opts"));
}

const struct node *netopts_get(const struct node *all, const char *name)
{
	const struct node *n = node_get(all, name);
	const char *other = other_name(name);

	return n || !other ? n : node_get(all, other);
}

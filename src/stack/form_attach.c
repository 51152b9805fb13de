/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_attach: the networks of a service, and its hardware addresses. Called through the table of service
 * keys. Whether the networks are declared is seen when it is known which services are active.
 */
#include <ctype.h>
#include <net/if.h>

#include "stack/attributes.h"
#include "stack/keys.h"

/* ---- values ---------------------------------------------------------------------------------- */

/* Of this family, and one that a host can have. Empty, as from a variable that is not set: not given. */
static struct node *address(struct reader *r, const struct where *w, const struct node *n,
			    int family)
{
	const char *want = family == AF_INET ? "IPv4" : "IPv6";
	struct ip ip = { 0 };
	bool is = ip_parse(n->text, &ip);

	if (!*n->text)
		return NULL;
	if (is && ip.family != family)
		reader_error(r, w, n->pos,
			     family == AF_INET ? "write it under 'ipv6_address'"
					       : "write it under 'ipv4_address'",
			     "'%.60s' is not an %s address", n->text, want);
	else if (!is)
		reader_error(r, w, n->pos, strchr(n->text, '/') ? "leave the prefix out" : NULL,
			     "'%.60s' is not an %s address", n->text, want);
	else if (ip_is_zero(&ip))
		reader_error(r, w, n->pos, "leave it out, and one is chosen",
			     "'%.60s' is the address of no host", n->text);
	else
		return form_text(r, w, n);
	return NULL;
}

static FORM(form_ipv4)
{
	return address(r, w, n, AF_INET);
}

static FORM(form_ipv6)
{
	return address(r, w, n, AF_INET6);
}

/* Of both families, and without a prefix: moby puts them on the link as they are. */
static FORM(form_link_locals)
{
	struct node *out = form_set(r, w, n);

	for (size_t i = 0; i < out->n; i++) {
		struct where here = { .up = w, .index = i };
		struct ip ip;

		if (!ip_parse(out->items[i]->text, &ip))
			reader_error(r, &here, out->items[i]->pos, NULL,
				     "'%.60s' is not an IP address", out->items[i]->text);
	}
	return out;
}

/* As it was written, for `config`; who sets it reads it again. A group's address on a link is refused by the kernel late. */
FORM(form_mac)
{
	static const uint8_t zero[6];
	uint8_t mac[6];

	if (!*n->text)
		return NULL;
	if (!mac_parse(n->text, mac))
		reader_error(r, w, n->pos, NULL,
			     "'%.60s' is not a MAC address; write like 02:00:00:00:00:01", n->text);
	else if (mac[0] & 1)
		reader_error(r, w, n->pos, NULL,
			     "'%s' is the address of a group: the first byte must be even",
			     n->text);
	else if (!memcmp(mac, zero, sizeof(mac)))
		reader_error(r, w, n->pos, NULL, "'%s' is the address of no host", n->text);
	else
		return form_text(r, w, n);
	return NULL;
}

/* What the kernel takes as the name of a link. */
FORM(form_interface)
{
	bool bad = !strcmp(n->text, ".") || !strcmp(n->text, "..");

	if (!*n->text)
		return NULL;
	for (const char *s = n->text; *s; s++)
		bad = bad || isspace((unsigned char)*s) || *s == '/' || *s == ':' || *s == '%';
	if (strlen(n->text) >= IFNAMSIZ)
		reader_error(r, w, n->pos, NULL, "'%.60s' is longer than %d characters", n->text,
			     IFNAMSIZ - 1);
	else if (bad)
		reader_error(
			r, w, n->pos, NULL,
			"'%s' is not the name of an interface: no blanks, slashes, colons or %%",
			n->text);
	else if (!strcmp(n->text, "lo"))
		reader_error(r, w, n->pos, NULL, "'lo' is the loopback of every container");
	else
		return form_text(r, w, n);
	return NULL;
}

/* ---- options of the driver ------------------------------------------------------------------- */

/* net.FAMILY.WORD.IFNAME.WORD=VALUE; what stands for the name of the interface is this very word. */
static bool is_sysctl(const char *text, size_t len)
{
	static const char *const families[] = { "net.ipv4.", "net.ipv6.", "net.mpls." };
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	size_t at = 0, word;

	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (!strncmp(text, families[i], strlen(families[i])))
			at = strlen(families[i]);
	word = at ? strspn(text + at, letters) : 0;
	if (!word || strncmp(text + at + word, ".IFNAME.", 8) != 0)
		return false;
	at += word + 8;
	word = strspn(text + at, letters);
	return word && at + word + 1 < len && text[at + word] == '=';
}

static void check_sysctls(struct reader *r, const struct where *w, const struct node *n)
{
	const char *text = n->text;

	while (*text) {
		size_t len = strcspn(text, ",");

		if (!is_sysctl(text, len))
			reader_error(r, w, n->pos, NULL,
				     "'%.*s' is not a setting of an interface; write like "
				     "net.ipv4.conf.IFNAME.log_martians=1, with commas between",
				     len < 80 ? (int)len : 80, text);
		text += len + (text[len] == ',');
	}
}

static FORM(form_endpoint_option)
{
	if (!strcmp(w->key, "com.docker.network.endpoint.ifname"))
		return form_interface(r, w, n);
	if (!strcmp(w->key, "com.docker.network.endpoint.sysctls"))
		check_sysctls(r, w, n);
	else
		reader_refuse(r, w, n->pos,
			      "known are com.docker.network.endpoint.ifname and .sysctls", "%s",
			      "");
	return form_text(r, w, n);
}

/* ---- attachments ----------------------------------------------------------------------------- */

/* clang-format off */
static const struct key any_option = DONE("NAME", STR | NUM, AS(form_endpoint_option), ONLY("com.docker.network.endpoint.ifname and .sysctls; others are refused"));
static const struct key_table option_keys = CHOSEN(any_option);

static const struct key attachment_rows[] = {
	DONE("aliases", LST, AS(form_host_names), MERGES(SET)),
	DONE("driver_opts", MAP, BELOW(option_keys)),
	DONE("gw_priority", NUM, AS(form_int)),
	DONE("interface_name", STR, AS(form_interface)),
	DONE("ipv4_address", STR, AS(form_ipv4)),
	DONE("ipv6_address", STR, AS(form_ipv6)),
	DONE("link_local_ips", LST, AS(form_link_locals), MERGES(SET)),
	DONE("mac_address", STR, AS(form_mac)),
	DONE("priority", NUM, AS(form_int)),
	DONE("x-impair", MAP, AS(form_impair), BELOW(impair_keys)),
	DONE("x-vlan", MAP, BELOW(vlan_keys)),
};
static const struct key_table attachment_keys = TABLE(attachment_rows);

static const struct key any_attachment = DONE("NAME", NUL | MAP, BELOW(attachment_keys));
const struct key_table attachments_keys = CHOSEN(any_attachment);
/* clang-format on */

/* A list of names is a map of names to nothing. The order stays: it is that of the interfaces. */
FORM(form_attachments)
{
	struct node_pairs all = { 0 };

	if (n->kind == MAP)
		return form_map(r, w, n, &attachments_keys);
	for (size_t i = 0; i < n->n; i++) {
		const struct node *item = n->items[i];
		struct where here = where_item(w, i);
		const struct node_pair *first;

		if (!reader_check_kind(r, &here, item, STR))
			continue;
		first = node_pairs_find(&all, item->text);
		if (first)
			reader_error(r, &here, item->pos, NULL,
				     "network '%.64s' is named twice, first at %s", item->text,
				     reader_place(r, first->pos));
		else
			node_pairs_put(&all, item->text, item->pos,
				       node_new(r->arena, NODE_NULL, item->pos, NULL));
	}
	return node_map_done(r->arena, n->pos, &all);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * form_link: `x-links`, wires between two services. Called through the table of the outermost keys. What a wire says of its
 * ends stands in lists, the first entry for the first end; an entry may be empty. Whether the services are there is seen
 * when it is known which are active (crosscheck_link.c).
 */
#include "stack/attributes.h"
#include "stack/keys.h"
#include "stack/link_text.h"
#include "stack/sections.h"

#define LINKS_MAX 1000
#define MTU_MIN	  68	/* of IPv4, RFC 791 */
#define MTU_MAX	  65535 /* of a veth */

static FORM(form_mtu)
{
	struct node *out = form_int(r, w, n);

	if (!out || (out->number >= MTU_MIN && out->number <= MTU_MAX))
		return out;
	reader_error(r, w, n->pos, NULL, "%s is not a size from %d to %d bytes", out->text, MTU_MIN,
		     MTU_MAX);
	return NULL;
}

static FORM(form_endpoints)
{
	struct node *out = form_strings(r, w, n);
	struct link_text t;
	bool service = false, good = true;

	for (size_t i = 0; i < out->n; i++) {
		const struct where here = where_item(w, i);
		const char *wrong = link_text_parse(out->items[i]->text, &t);

		service = service || t.kind == STACK_END_SERVICE;
		good = good && !wrong;
		if (wrong)
			reader_error(r, &here, out->items[i]->pos, NULL, "'%.80s': %s",
				     out->items[i]->text, wrong);
	}
	if (n->n != 2)
		reader_error(r, w, n->pos, NULL, "a link has two ends, and here stand %u",
			     (unsigned)n->n);
	else if (good && !service)
		reader_error(r, w, n->pos, NULL, "one of the two ends must be that of a service");
	return out;
}

/* ---- what the ends have ---------------------------------------------------------------------- */

typedef bool check_fn(struct reader *r, const struct where *w, const struct node *n);

/* Two entries at most; one that is empty says nothing of that end. */
static struct node *both_ends(struct reader *r, const struct where *w, const struct node *n,
			      check_fn *check)
{
	struct node_items items = { 0 };

	if (n->n > 2)
		reader_error(r, w, n->items[2]->pos, NULL, "a link has two ends");
	for (size_t i = 0; i < n->n && i < 2; i++) {
		const struct where here = where_item(w, i);
		const struct node *one = n->items[i];

		if (!reader_check_kind(r, &here, one, STR | NUL))
			continue;
		if (one->kind == NODE_NULL || !*one->text)
			vec_push(&items, node_new(r->arena, NODE_NULL, one->pos, NULL));
		else if (check(r, &here, one))
			vec_push(&items, form_text(r, &here, one));
	}
	return node_list_done(r->arena, n->pos, &items);
}

static bool check_mac(struct reader *r, const struct where *w, const struct node *n)
{
	return form_mac(r, w, n) != NULL;
}

/* NULL: it is an address that an end can have. */
static const char *what_is_wrong(const struct ip_net *a)
{
	struct ip first = ip_first(a), last = ip_last(a);

	if (ip_is_zero(&a->ip))
		return "is the address of no host";
	if (a->prefix + 1u >= ip_bits(&a->ip))
		return NULL; /* of a pair, or of one alone, both are hosts */
	if (a->ip.family == AF_INET && ip_equal(&a->ip, &first))
		return "is the address of the subnet itself";
	return a->ip.family == AF_INET && ip_equal(&a->ip, &last) ? "is the broadcast address"
								  : NULL;
}

static bool check_address(struct reader *r, const struct where *w, const struct node *n, int family)
{
	const char *example = family == AF_INET ? "10.0.0.1/30" : "fd00::1/64", *wrong;
	struct ip_net a;

	if (!ip_net_parse(n->text, &a)) {
		reader_error(r, w, n->pos, NULL,
			     "'%.60s' is not an address with its prefix; write like %s", n->text,
			     example);
		return false;
	}
	wrong = a.ip.family != family ? "is of the other IP version" : what_is_wrong(&a);
	if (wrong)
		reader_error(r, w, n->pos, NULL, "'%.60s' %s", n->text, wrong);
	return !wrong;
}

static bool check_ipv4(struct reader *r, const struct where *w, const struct node *n)
{
	return check_address(r, w, n, AF_INET);
}

static bool check_ipv6(struct reader *r, const struct where *w, const struct node *n)
{
	return check_address(r, w, n, AF_INET6);
}

static FORM(form_macs)
{
	return both_ends(r, w, n, check_mac);
}

static FORM(form_ipv4s)
{
	return both_ends(r, w, n, check_ipv4);
}

static FORM(form_ipv6s)
{
	return both_ends(r, w, n, check_ipv6);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* clang-format off */
static const struct key link_rows[] = {
	DONE("endpoints", LST, AS(form_endpoints), MERGES(REPLACE)),
	DONE("impair", MAP, AS(form_impair), BELOW(impair_keys)),
	DONE("ipv4", LST, AS(form_ipv4s), MERGES(REPLACE)),
	DONE("ipv6", LST, AS(form_ipv6s), MERGES(REPLACE)),
	DONE("mac", LST, AS(form_macs), MERGES(REPLACE)),
	DONE("mtu", NUM | STR, AS(form_mtu)),
};
const struct key_table link_keys = TABLE(link_rows);
/* clang-format on */

static FORM(form_link)
{
	struct node *out = form_map(r, w, n, &link_keys);

	if (!node_get(n, "endpoints"))
		form_has(r, w, n, "endpoints");
	return out;
}

FORM(form_wires)
{
	struct node_items items = { 0 };

	if (n->n > LINKS_MAX) {
		reader_error(r, w, n->pos, NULL, "more than %d links", LINKS_MAX);
		return NULL;
	}
	for (size_t i = 0; i < n->n; i++) {
		const struct where here = where_item(w, i);
		struct node *one = reader_check_kind(r, &here, n->items[i], MAP)
					   ? form_link(r, &here, n->items[i])
					   : NULL;

		if (one)
			vec_push(&items, one);
	}
	return node_list_done(r->arena, n->pos, &items);
}

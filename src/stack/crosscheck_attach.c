/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crosscheck_attach: the attachments of one service beside each other: names of interfaces that two of them want, and what is
 * said twice in an older and in a newer key. Called by crosscheck.c on the canonical tree; addresses are the business of
 * crosscheck_net.c.
 */
#include "stack/crosscheck_attach.h"
#include "stack/form.h"

#define IFNAME "com.docker.network.endpoint.ifname"

/* The newer key, or else the option that engines had before it. */
static const struct node *interface_of(const struct node *attachment)
{
	const struct node *name = node_get(attachment, "interface_name");

	return name ? name : node_get(node_get(attachment, "driver_opts"), IFNAME);
}

static int64_t priority_of(const struct node *attachment)
{
	const struct node *n = node_get(attachment, "priority");

	return n ? n->number : 0;
}

/* ---- names that nobody gives ------------------------------------------------------------------ */

static bool is_named(const struct node *networks, const char *name)
{
	for (size_t i = 0; i < networks->n; i++) {
		const struct node *own = interface_of(networks->pairs[i].value);

		if (own && !strcmp(own->text, name))
			return true;
	}
	return false;
}

/* So many attachments without a name of their own stand before this one. */
static size_t rank_of(const struct node *networks, size_t nr)
{
	int64_t priority = priority_of(networks->pairs[nr].value);
	size_t rank = 0;

	for (size_t i = 0; i < networks->n; i++) {
		int64_t other = priority_of(networks->pairs[i].value);

		if (!interface_of(networks->pairs[i].value))
			rank += other > priority || (other == priority && i < nr);
	}
	return rank;
}

const char *attachment_interface(struct reader *r, const struct node *networks, size_t nr)
{
	const struct node *own = interface_of(networks->pairs[nr].value);
	size_t rank = rank_of(networks, nr);

	if (own)
		return own->text;
	for (size_t i = 0;; i++) {
		const char *name = arena_printf(r->arena, "eth%zu", i);

		if (!is_named(networks, name) && !rank--)
			return name;
	}
}

/* ---- what is given ---------------------------------------------------------------------------- */

static void check_twice(struct reader *r, const struct where *w, const struct node *attachment)
{
	const struct node *name = interface_of(attachment),
			  *option = node_get(node_get(attachment, "driver_opts"), IFNAME);
	const struct where here = where_in(w, "interface_name");

	if (option && strcmp(name->text, option->text) != 0)
		reader_error(r, &here, name->pos, "give it once",
			     "is %s here and %s in 'driver_opts', %s", name->text, option->text,
			     reader_place(r, option->pos));
}

static void check_interface(struct reader *r, const struct where *w, const struct node *list,
			    size_t nr)
{
	const struct where here = where_in(w, list->pairs[nr].key),
			   key = where_in(&here, "interface_name");
	const struct node *name = interface_of(list->pairs[nr].value);

	check_twice(r, &here, list->pairs[nr].value);
	for (size_t i = 0; name && i < nr; i++) {
		const struct node *other = interface_of(list->pairs[i].value);

		if (other && !strcmp(other->text, name->text))
			reader_error(r, &key, name->pos, NULL,
				     "'%s' is also the interface on network '%.64s', %s",
				     name->text, list->pairs[i].key, reader_place(r, other->pos));
	}
}

/* The older key speaks of the first network. */
static void check_mac(struct reader *r, const struct where *w, const struct node *service,
		      const struct node *list)
{
	const struct node *own = node_get(service, "mac_address"), *first, *other;
	const struct where here = where_in(w, "mac_address");

	if (!own || !list || !list->n)
		return;
	first = list->pairs[0].value;
	for (size_t i = 1; i < list->n; i++)
		if (priority_of(list->pairs[i].value) > priority_of(first))
			first = list->pairs[i].value;
	other = node_get(first, "mac_address");
	if (other && strcasecmp(own->text, other->text) != 0)
		reader_error(r, &here, own->pos, "give it once",
			     "is %s here and %s in 'networks', %s", own->text, other->text,
			     reader_place(r, other->pos));
}

void crosscheck_attachments(struct reader *r, const struct where *w, const struct node *service)
{
	const struct node *list = node_get(service, "networks");
	const struct where here = where_in(w, "networks");

	for (size_t i = 0; list && i < list->n; i++)
		check_interface(r, &here, list, i);
	check_mac(r, w, service, list);
}

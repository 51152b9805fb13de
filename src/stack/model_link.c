/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_link: `x-links` as words of the model. Called by model.c when the names of all services are known.
 */
#include "stack/link_text.h"
#include "stack/model_value.h"

static const char *entry(const struct node *link, const char *key, size_t i)
{
	const struct node *list = node_get(link, key);

	return list && i < list->n && list->items[i]->kind != NODE_NULL ? list->items[i]->text
									: NULL;
}

static void read_end(struct reader *r, const struct node *services, const struct node *link,
		     size_t i, struct stack_end *ret)
{
	const char *mac = entry(link, "mac", i), *ipv4 = entry(link, "ipv4", i),
		   *ipv6 = entry(link, "ipv6", i);
	struct link_text t;
	unsigned index = 0;

	*ret = (struct stack_end){ .text = entry(link, "endpoints", i) };
	link_text_parse(ret->text, &t);
	if (t.kind == STACK_END_SERVICE)
		ret->service = stack_find_service(
			r->stack, link_text_service(services, ret->text, &t, &index)->key);
	ret->kind = t.kind;
	ret->index = index ? index : 1;
	ret->ifname = t.ifname;
	ret->remote = t.remote;
	ret->vni = t.vni;
	if (mac)
		mac_parse(mac, ret->mac);
	if (ipv4)
		ip_net_parse(ipv4, &ret->ipv4);
	if (ipv6)
		ip_net_parse(ipv6, &ret->ipv6);
}

void model_links(struct reader *r, const struct node *links, const struct node *services)
{
	size_t n = links ? links->n : 0;
	struct stack_wire *wires = arena_array(r->arena, struct stack_wire, n);

	for (size_t i = 0; i < n; i++) {
		const struct node *link = links->items[i], *impair = node_get(link, "impair");
		struct stack_wire *w = &wires[i];

		for (size_t k = 0; k < ARRAY_LEN(w->ends); k++)
			read_end(r, services, link, k, &w->ends[k]);
		w->mtu = (unsigned)value_num(link, "mtu").value;
		w->impair = model_impair(r, impair);
		w->pos = link->pos;
		if (impair)
			w->impair_pos = impair->pos;
	}
	r->stack->wires = wires;
	r->stack->n_wires = n;
}

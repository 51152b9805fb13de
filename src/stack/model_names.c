/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_names: what a service is told of names, from the canonical tree into the structs: hosts beside the stack's own, further
 * names of services, whom to ask. Called by model.c; the forms have looked at all of it.
 */
#include "stack/find.h"
#include "stack/model_value.h"

static size_t count(const struct node *list)
{
	return list ? list->n : 0;
}

/* NAME=ADDRESS, which form_hosts has made of all spellings; of `host-gateway` no address is left. */
static void read_hosts(struct reader *r, const struct node *n, struct stack_service *s)
{
	struct stack_host *list = arena_array(r->arena, struct stack_host, count(n));

	for (size_t i = 0; i < count(n); i++) {
		const char *text = n->items[i]->text;
		size_t len = strcspn(text, "=");

		list[i].name = arena_strndup(r->arena, text, len);
		list[i].pos = n->items[i]->pos;
		ip_parse(text + len + 1, &list[i].ip);
	}
	s->hosts = list;
	s->n_hosts = count(n);
}

/* One that is not there was an error, or is left out with --no-deps. */
static void read_links(struct reader *r, const struct node *n, struct stack_service *s)
{
	struct stack_link *list = arena_array(r->arena, struct stack_link, count(n));

	for (size_t i = 0; i < count(n); i++) {
		const char *text = n->items[i]->text, *colon = strchr(text, ':');
		char *name = arena_strndup(r->arena, text, strcspn(text, ":"));
		struct stack_link *to = &list[s->n_links];

		to->service = stack_find_service(r->stack, name);
		to->alias = colon ? colon + 1 : name;
		to->pos = n->items[i]->pos;
		s->n_links += to->service != NULL;
	}
	s->links = list;
}

static void read_dns(struct reader *r, const struct node *n, struct stack_service *s)
{
	struct ip *list = arena_array(r->arena, struct ip, count(n));

	for (size_t i = 0; i < count(n); i++)
		s->n_dns += ip_parse(n->items[i]->text, &list[s->n_dns]);
	s->dns = list;
}

void model_names(struct reader *r, const struct node *service, struct stack_service *ret)
{
	read_hosts(r, node_get(service, "extra_hosts"), ret);
	read_links(r, node_get(service, "links"), ret);
	read_dns(r, node_get(service, "dns"), ret);
	ret->dns_search = value_strs(r, service, "dns_search");
	ret->dns_opt = value_strs(r, service, "dns_opt");
}

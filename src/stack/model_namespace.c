/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_namespace: whose namespaces a service has, as words of the model. Called by model.c, when the names of all services are
 * known.
 */
#include "stack/find.h"
#include "stack/model_value.h"

static struct stack_namespace read_one(struct reader *r, const struct node *service,
				       const char *key)
{
	static const struct {
		const char *word;
		enum stack_whose share;
	} words[] = {
		{ "host", STACK_OF_HOST },
		{ "shareable", STACK_SHAREABLE },
		{ "none", STACK_BARE },
	};
	const struct node *n = node_get(service, key);
	struct stack_namespace ret = { .share = STACK_OWN };

	if (!n)
		return ret;
	ret.pos = n->pos;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(n->text, words[i].word))
			ret.share = words[i].share;
	if (!strncmp(n->text, "service:", 8)) {
		ret.share = STACK_OF_SERVICE;
		ret.of = stack_find_service(r->stack, n->text + 8);
	}
	return ret;
}

void model_namespaces(struct reader *r, const struct node *service, struct stack_service *ret)
{
	ret->pid = read_one(r, service, "pid");
	ret->ipc = read_one(r, service, "ipc");
	ret->uts = read_one(r, service, "uts");
	ret->cgroup = read_one(r, service, "cgroup");
	ret->net = read_one(r, service, "network_mode");
}

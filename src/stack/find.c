/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * find: looking things of the model up by their key. Called by the readers while the model grows,
 * and by whoever has a finished one. Lists are short (a thousand at most), so they are walked.
 */
#include <string.h>

#include "stack/find.h"

const struct stack_service *stack_find_service(const struct stack *s, const char *name)
{
	for (size_t i = 0; i < s->n_services; i++)
		if (!strcmp(s->services[i].name, name))
			return &s->services[i];
	return NULL;
}

struct stack_network *find_network(const struct stack *s, const char *key)
{
	for (size_t i = 0; i < s->n_networks; i++)
		if (!strcmp(s->networks[i].key, key))
			return (struct stack_network *)&s->networks[i];
	return NULL;
}

const struct stack_volume *find_volume(const struct stack *s, const char *key)
{
	for (size_t i = 0; i < s->n_volumes; i++)
		if (!strcmp(s->volumes[i].key, key))
			return &s->volumes[i];
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * envset: an ordered vector with an index beside it. Called by vars, dotenv and the reader of
 * services.
 */
#include "stack/envset.h"

void envset_put(struct envset *e, struct stack_kv kv)
{
	size_t i;

	if (strmap_put(&e->index, kv.key, strlen(kv.key), e->kvs.n, &i))
		vec_push(&e->kvs, kv);
	else
		e->kvs.v[i] = (struct stack_kv){ e->kvs.v[i].key, kv.value, kv.pos };
}

const struct stack_kv *envset_get(const struct envset *e, const char *name, size_t len)
{
	size_t i;

	return strmap_get(&e->index, name, len, &i) ? &e->kvs.v[i] : NULL;
}

void envset_fini(struct envset *e)
{
	vec_fini(&e->kvs);
	strmap_fini(&e->index);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * strmap: open addressing with linear probing, never more than half full, nothing is ever removed.
 * Called by the parser, the variables and the rules between parts; the sizes are bounded by their
 * limits.
 */
#include <assert.h>

#include "stack/strmap.h"

struct strmap_slot {
	const char *key; /* NULL: free */
	uint32_t len, value;
};

/* The slot that holds the key, or the free one where it would go. */
static struct strmap_slot *find(const struct strmap *m, const char *key, size_t len)
{
	size_t i = (size_t)hash64(key, len) & (m->cap - 1);

	while (m->slots[i].key && (m->slots[i].len != len || memcmp(m->slots[i].key, key, len)))
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

static void grow(struct strmap *m)
{
	struct strmap old = *m;

	m->cap = old.cap ? old.cap * 2 : 16;
	m->slots = xcalloc(m->cap, sizeof(*m->slots));
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].key)
			*find(m, old.slots[i].key, old.slots[i].len) = old.slots[i];
	free(old.slots);
}

bool strmap_put(struct strmap *m, const char *key, size_t len, size_t value, size_t *ret_old)
{
	struct strmap_slot *slot;

	if (m->n * 2 >= m->cap)
		grow(m);
	slot = find(m, key, len);
	if (slot->key) {
		if (ret_old)
			*ret_old = slot->value;
		return false;
	}
	assert(len <= UINT32_MAX && value <= UINT32_MAX);
	*slot = (struct strmap_slot){ key, (uint32_t)len, (uint32_t)value };
	m->n++;
	return true;
}

bool strmap_get(const struct strmap *m, const char *key, size_t len, size_t *ret)
{
	const struct strmap_slot *slot = m->cap ? find(m, key, len) : NULL;

	if (!slot || !slot->key)
		return false;
	*ret = slot->value;
	return true;
}

void strmap_fini(struct strmap *m)
{
	free(m->slots);
	*m = (struct strmap){ 0 };
}

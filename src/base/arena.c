/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arena: memory that is given back as a whole. The stack model and the plans live in one each.
 * Nothing in an arena has a destructor: a descriptor must not be kept alive by one.
 */
#include <assert.h>

#include "mstack/base.h"

#define ALIGN	    _Alignof(max_align_t)
#define CHUNK_BYTES 32768

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(max_align_t) char mem[];
};

struct arena {
	struct chunk *chunks; /* the first one is being filled */
};

struct arena *arena_new(void)
{
	return xcalloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
	struct chunk *c, *next;

	if (!a)
		return;
	for (c = a->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}

static struct chunk *chunk_new(struct chunk *next, size_t size)
{
	struct chunk *c = xcalloc(1, sizeof(*c) + size);

	c->next = next;
	c->size = size;
	return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct chunk *c = a->chunks;
	void *p;

	assert(size < SIZE_MAX / 2);
	size = size ? (size + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
	if (c && size > CHUNK_BYTES / 4 && size > c->size - c->used) {
		/* A big one gets a chunk of its own behind the first, whose rest stays in use. */
		c->next = chunk_new(c->next, size);
		return c->next->mem;
	}
	if (!c || size > c->size - c->used)
		c = a->chunks = chunk_new(c, size > CHUNK_BYTES ? size : CHUNK_BYTES);
	p = c->mem + c->used;
	c->used += size;
	return p;
}

static char *copy(struct arena *a, const char *s, size_t len)
{
	return memcpy(arena_alloc(a, len + 1), s, len);
}

char *arena_strdup(struct arena *a, const char *s)
{
	return copy(a, s, strlen(s));
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	return copy(a, s, strnlen(s, n));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	return copy(a, text.data, text.len);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * alloc: memory that is there or the program ends. Called by every room outside of a container's
 * child, which must not allocate at all. Sizes that come from outside are limited by the caller
 * before they arrive here.
 */
#include <stdio.h>
#include <unistd.h>

#include "mstack/base.h"

/* abort() would leave a core of a process that holds descriptors of every container. */
static _Noreturn void out_of_memory(void)
{
	static const char text[] = "mstack: out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)ignored;
	_exit(1);
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		out_of_memory();
	return p;
}

char *xstrdup(const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(xrealloc(NULL, size), s, size);
}

char *xasprintf(const char *fmt, ...)
{
	char *s;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		out_of_memory();
	va_end(ap);
	return s;
}

void *vec_slot_(void **v, size_t *n, size_t *cap, size_t size)
{
	if (*n == *cap) {
		size_t more = *cap ? *cap * 2 : 8, bytes;

		if (__builtin_mul_overflow(more, size, &bytes))
			out_of_memory();
		*v = xrealloc(*v, bytes);
		*cap = more;
	}
	return (char *)*v + size * (*n)++;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * buf: growing bytes with a NUL behind them. Called wherever text or a message of unknown length is
 * put together. It has no limit of its own: whoever feeds it from outside sets one.
 */
#include <stdio.h>

#include "mstack/base.h"

/* Room for `more` bytes and the NUL behind them; the place where they go. */
static char *reserve(struct buf *b, size_t more)
{
	size_t need;

	if (__builtin_add_overflow(b->len, more, &need) || __builtin_add_overflow(need, 1, &need))
		need = SIZE_MAX; /* xrealloc says what is wrong */
	if (need > b->cap) {
		b->cap = need > b->cap * 2 ? need : b->cap * 2;
		if (b->cap < 64)
			b->cap = 64;
		b->data = xrealloc(b->data, b->cap);
	}
	return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	char *to = reserve(b, len);

	if (len)
		memcpy(to, data, len);
	to[len] = '\0';
	b->len += len;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	char *to = reserve(b, 0);
	size_t space = b->cap - b->len;
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(to, space, fmt, ap);
	if (n >= 0 && (size_t)n >= space)
		vsnprintf(reserve(b, n), (size_t)n + 1, fmt, again);
	va_end(again);
	/* Only a broken multibyte conversion returns less than 0, and no format of ours has one. */
	b->len += n < 0 ? 0 : n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_cut(struct buf *b, size_t len)
{
	if (len < b->len)
		b->data[b->len = len] = '\0';
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_take(struct buf *b)
{
	char *s = b->data ? b->data : xstrdup("");

	*b = (struct buf){ 0 };
	return s;
}

void buf_fini(struct buf *b)
{
	if (!b)
		return;
	free(b->data);
	*b = (struct buf){ 0 };
}

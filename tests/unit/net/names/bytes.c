/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bytes: see bytes.h.
 */
#include <ctype.h>

#include "bytes.h"

struct bytes bytes(const char *text)
{
	struct bytes b = { .n = 0 };
	bool letters = false;

	for (; *text; text++) {
		if (*text == '\'') {
			letters = !letters;
		} else if (letters) {
			b.v[b.n++] = (uint8_t)*text;
		} else if (isxdigit((unsigned char)*text)) {
			const char pair[] = { text[0], text[1], '\0' };

			b.v[b.n++] = (uint8_t)strtoul(pair, NULL, 16);
			text++;
		}
	}
	return b;
}

static void put16(struct bytes *b, unsigned value)
{
	b->v[b->n++] = (uint8_t)(value >> 8);
	b->v[b->n++] = (uint8_t)value;
}

struct bytes bytes_question(uint16_t id, const char *name, uint16_t type, unsigned edns)
{
	struct bytes b = { .n = 0 };

	put16(&b, id);
	put16(&b, 0x0100);
	put16(&b, 1);
	put16(&b, 0);
	put16(&b, 0);
	put16(&b, edns ? 1 : 0);
	while (*name) {
		size_t len = strcspn(name, ".");

		b.v[b.n++] = (uint8_t)len;
		memcpy(b.v + b.n, name, len);
		b.n += len;
		name += len + (name[len] == '.');
	}
	b.v[b.n++] = 0;
	put16(&b, type);
	put16(&b, DNS_IN);
	if (edns) {
		b.v[b.n++] = 0;
		put16(&b, DNS_OPT);
		put16(&b, edns);
		memset(b.v + b.n, 0, 6);
		b.n += 6;
	}
	return b;
}

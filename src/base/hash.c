/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hash: the one that object names are made of. Called by plan, store and stack. What it returns is
 * part of what is on disk and in the kernel: it must never change.
 */
#include "mstack/base.h"

/* FNV-1a, 64 bits: offset basis and prime of the reference (isthe.com/chongo/tech/comp/fnv). */
uint64_t hash64(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

uint64_t hash64_str(const char *s)
{
	return hash64(s, strlen(s));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: /etc/subuid. Whatever stands in it, the ranges that come out of it are some, do not overlap, and fit into a map with
 * the user's own id before them.
 */
#include "rootless/subids.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct subids *s)
{
	uint64_t total = 0;

	if (s->n > SUBIDS_MAX)
		abort();
	for (size_t i = 0; i < s->n; i++) {
		uint64_t first = s->v[i].first, end = first + s->v[i].count;

		total += s->v[i].count;
		if (end == first || end > UINT32_MAX)
			abort();
		for (size_t k = 0; k < i; k++)
			if (first < (uint64_t)s->v[k].first + s->v[k].count && s->v[k].first < end)
				abort();
	}
	if (total >= UINT32_MAX || total != subids_total(s))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_fini) struct buf text = { 0 };
	struct subids s;

	buf_add(&text, data, size);
	subids_parse(buf_str(&text), "ann", 1000, &s);
	check(&s);
	subids_parse(buf_str(&text), NULL, 0, &s);
	check(&s);
	return 0;
}

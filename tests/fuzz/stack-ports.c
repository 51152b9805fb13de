/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any text as a published port. What is fine has numbers that are ports, in ranges that
 * belong together, and reads as the same when it is written out in full; what is not names a part of
 * the text.
 */
#include <stdio.h>

#include "mstack/base.h"
#include "stack/port_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

static void check_range(const struct port_range *r, unsigned least)
{
	CHECK(r->first >= least && r->first <= r->last && r->last <= UINT16_MAX);
}

static bool is_same(const struct port_range *a, const struct port_range *b)
{
	return a->first == b->first && a->last == b->last;
}

static void check_again(const struct port_text *p)
{
	char published[24] = "", text[128];
	struct port_text again;

	if (p->published_given)
		snprintf(published, sizeof(published), "%u-%u", p->published.first,
			 p->published.last);
	snprintf(text, sizeof(text), "%s%s%s%s:%u-%u/%s", *p->ip ? "[" : "", p->ip,
		 *p->ip ? "]:" : "", published, p->target.first, p->target.last, p->protocol);
	CHECK(port_text_parse(text, &again) == PORT_FINE);
	CHECK(!strcmp(p->ip, again.ip) && !strcmp(p->protocol, again.protocol));
	CHECK(p->published_given == again.published_given);
	CHECK(is_same(&p->published, &again.published) && is_same(&p->target, &again.target));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xcalloc(size + 1, 1);
	struct port_range range;
	struct port_text port;
	enum port_fault fault;

	memcpy(text, data, size);
	fault = port_text_parse(text, &port);
	if (fault == PORT_FINE) {
		check_range(&port.target, 1);
		check_range(&port.published, 0);
		CHECK(!*port.ip || port_address(port.ip));
		CHECK(port_protocol(port.protocol, strlen(port.protocol)) == port.protocol);
		check_again(&port);
	} else if (port.part) {
		CHECK(port.part >= text && port.part + port.part_len <= text + strlen(text));
	} else {
		CHECK(fault != PORT_ADDRESS && fault != PORT_PROTOCOL);
	}
	if (port_range_parse(text, strlen(text), &range))
		CHECK(range.first <= range.last && range.last <= 999999);
	free(text);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link_text: an endpoint of `x-links` as it is written, for the form, the rules between parts and the model. Pure. */
#ifndef STACK_LINK_TEXT_H
#define STACK_LINK_TEXT_H

#include "mstack/stack.h"
#include "stack/node.h"

struct link_text {
	enum stack_end_kind kind;
	size_t name_len;    /* SERVICE: of what stands before the colon */
	const char *ifname; /* SERVICE, HOST, MACVLAN: a part of the text */
	struct ip remote;   /* VXLAN */
	uint32_t vni;
};

/* NULL, or what is wrong with it. `host`, `macvlan` and `vxlan` are words here, also when a service is called so. */
const char *link_text_parse(const char *text, struct link_text *ret);
/*
 * The service that is meant, of a map of services; NULL: there is none. ret_index: of its containers, 0 when the text says none.
 * A service whose own name ends in a number goes before an index.
 */
const struct node_pair *link_text_service(const struct node *services, const char *text,
					  const struct link_text *t, unsigned *ret_index);

#endif

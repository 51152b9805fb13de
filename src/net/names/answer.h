/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.h: what is answered to a question by what we know ourselves. Pure but for the turns of the zone.
 */
#ifndef NET_NAMES_ANSWER_H
#define NET_NAMES_ANSWER_H

#include "net/names/dns.h"
#include "net/names/zone.h"

enum answer_how {
	ANSWER_NONE,	/* whoever sent that gets nothing */
	ANSWER_READY,	/* in `out` */
	ANSWER_FORWARD, /* we do not know; *ret_q is the question */
};

/*
 * Of somebody with this view; internal: he may not ask the outside. tcp: an answer may be as long as DNS_MAX, which `out` must
 * have room for, else as DNS_EDNS.
 */
enum answer_how answer(struct zone *z, const struct zone_view *v, bool internal, bool tcp,
		       const uint8_t *msg, size_t len, struct dns_question *ret_q, uint8_t *out,
		       size_t *ret_len);

/* The address in the name of a PTR; false: there is none in it, or not a whole one. */
bool answer_reverse_ip(const char *name, struct ip *ret);

#endif

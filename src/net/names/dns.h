/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dns.h: DNS messages as values (RFC 1035, 6891): a question out of the bytes of a stranger, an answer as bytes, and what an
 * answer of an upstream server must be before it is believed. Pure.
 */
#ifndef NET_NAMES_DNS_H
#define NET_NAMES_DNS_H

#include "mstack/base.h"

enum {
	DNS_HEADER = 12,
	DNS_PLAIN = 512, /* what everybody takes over UDP */
	DNS_EDNS = 1232, /* what passes every network in one piece, and what we offer */
	DNS_MAX = 65535,
	DNS_NAME = 256, /* a name as text with its NUL, or as it travels */
	DNS_OPT_SIZE = 11,
	DNS_QUERY_MAX = DNS_HEADER + DNS_NAME + 4 + DNS_OPT_SIZE,
};

enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_AAAA = 28, DNS_OPT = 41, DNS_ANY = 255 };
enum { DNS_IN = 1, DNS_ANY_CLASS = 255 };

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_BADVERS = 16,
};

struct dns_question {
	uint16_t id, flags, type, class;
	char name
		[DNS_NAME]; /* small letters, dots between; "" when it is the root, or has bytes that no name of ours has */
	uint8_t wire[DNS_NAME + 4]; /* name, type and class as they came */
	size_t wire_len;
	bool edns, dnssec_ok;
	uint16_t udp_size; /* that its sender takes */
};

/*
 * 0 and the question; an rcode to be answered; -1: not to be answered at all. With an rcode of FORMERR or NOTIMP ret has no
 * question, just what an answer's header needs.
 */
int dns_parse(const uint8_t *msg, size_t len, struct dns_question *ret);

/* How long an answer over UDP may be. */
size_t dns_limit(const struct dns_question *q);

/* Of an answer; its owner is the name that was asked for, its TTL 0. */
struct dns_record {
	uint16_t type, len;
	uint8_t data[DNS_NAME];
};

/* The name as it travels, for the data of a PTR. False: it is none. */
bool dns_put_name(struct dns_record *r, const char *name);

/* An answer of ours, of at most `limit` bytes; what does not fit is left out and TC says so. Returns its length. */
size_t dns_answer(const struct dns_question *q, enum dns_rcode rcode,
		  const struct dns_record *records, size_t n, size_t limit, uint8_t *out);

/* ---- forwarding ------------------------------------------------------------------------------ */

/* The same question under another id; out has DNS_QUERY_MAX bytes. Returns its length. */
size_t dns_query(const struct dns_question *q, uint16_t id, uint8_t *out);

/* Is it a whole and well-formed answer to this question under this id? */
bool dns_is_answer(const struct dns_question *q, uint16_t id, const uint8_t *msg, size_t len);
bool dns_truncated(const uint8_t *msg);
enum dns_rcode dns_rcode(const uint8_t *msg);

/*
 * Turns an answer that dns_is_answer took into one for who asked, in place: his id and letters, our size of EDNS; cut down to the
 * question, with TC, when it is longer than `limit`. Returns its length.
 */
size_t dns_hand_on(const struct dns_question *q, size_t limit, uint8_t *msg, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer: see answer.h. Called by server.c for every message of a container. Names that are ours are never asked for outside,
 * nor are addresses of our networks.
 */
#include <stdio.h>

#include "net/names/answer.h"

/* ---- ways back ------------------------------------------------------------------------------- */

/* "4.3.2.1" is 1.2.3.4. */
static bool reverse4(const char *name, size_t len, struct ip *ret)
{
	char text[sizeof("255.255.255.255")], turned[64];
	unsigned part[4];

	if (len >= sizeof(text))
		return false;
	memcpy(text, name, len);
	text[len] = '\0';
	if (sscanf(text, "%3u.%3u.%3u.%3u", &part[0], &part[1], &part[2], &part[3]) != 4)
		return false;
	/* Strictly: as it would be written, nothing before, nothing behind. */
	snprintf(turned, sizeof(turned), "%u.%u.%u.%u", part[0], part[1], part[2], part[3]);
	if (strcmp(text, turned) != 0)
		return false;
	snprintf(turned, sizeof(turned), "%u.%u.%u.%u", part[3], part[2], part[1], part[0]);
	return ip_parse(turned, ret);
}

/* 32 digits with dots between, the last one first. */
static bool reverse6(const char *name, size_t len, struct ip *ret)
{
	static const char digits[] = "0123456789abcdef";
	struct ip ip = { .family = AF_INET6 };

	if (len != 63)
		return false;
	for (size_t i = 0; i < 32; i++) {
		const char *d = name[2 * i] ? strchr(digits, name[2 * i]) : NULL;

		if (!d || (i < 31 && name[2 * i + 1] != '.'))
			return false;
		ip.bytes[15 - i / 2] |= (uint8_t)((d - digits) << (i % 2 ? 4 : 0));
	}
	*ret = ip;
	return true;
}

bool answer_reverse_ip(const char *name, struct ip *ret)
{
	static const struct {
		const char *tail;
		bool (*read)(const char *name, size_t len, struct ip *ret);
	} kinds[] = { { ".in-addr.arpa", reverse4 }, { ".ip6.arpa", reverse6 } };
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t tail = strlen(kinds[i].tail);

		if (len > tail && !strcmp(name + len - tail, kinds[i].tail))
			return kinds[i].read(name, len - tail, ret);
	}
	return false;
}

/* ---- answers --------------------------------------------------------------------------------- */

struct asked {
	struct zone *zone;
	const struct zone_view *view;
	const struct dns_question *q;
	struct dns_record records[ZONE_ADDRESSES];
	size_t n;
};

/* An rcode, or -1: not ours. */
static int by_address(struct asked *a)
{
	char name[DNS_NAME];
	struct ip ip;
	int found;

	if (!answer_reverse_ip(a->q->name, &ip))
		return -1;
	found = zone_reverse(a->zone, a->view, &ip, name, sizeof(name));
	if (found <= 0)
		return found < 0 ? -1 : DNS_NXDOMAIN;
	a->records[0].type = DNS_PTR;
	if (a->q->type == DNS_PTR && dns_put_name(&a->records[0], name))
		a->n = 1;
	return DNS_NOERROR;
}

static int by_name(struct asked *a)
{
	uint8_t family = a->q->type == DNS_A ? AF_INET : a->q->type == DNS_AAAA ? AF_INET6 : 0;
	struct ip ips[ZONE_ADDRESSES];
	int n = zone_find(a->zone, a->view, a->q->name, family, ips);

	for (int i = 0; i < n; i++) {
		struct dns_record *r = &a->records[i];

		r->type = a->q->type;
		r->len = (uint16_t)(ip_bits(&ips[i]) / 8);
		memcpy(r->data, ips[i].bytes, r->len);
	}
	a->n = n > 0 ? (size_t)n : 0;
	return n < 0 ? -1 : DNS_NOERROR;
}

static int look_up(struct asked *a)
{
	int rcode = -1;

	if (a->q->class != DNS_IN && a->q->class != DNS_ANY_CLASS)
		return DNS_REFUSED;
	if (*a->q->name)
		rcode = by_name(a);
	return rcode < 0 ? by_address(a) : rcode;
}

enum answer_how answer(struct zone *z, const struct zone_view *v, bool internal, bool tcp,
		       const uint8_t *msg, size_t len, struct dns_question *ret_q, uint8_t *out,
		       size_t *ret_len)
{
	/* Its records are set as they are needed: they are long. */
	struct asked a;
	int rcode = dns_parse(msg, len, ret_q);

	if (rcode < 0)
		return ANSWER_NONE;
	a.zone = z;
	a.view = v;
	a.q = ret_q;
	a.n = 0;
	if (!rcode)
		rcode = look_up(&a);
	if (rcode < 0 && !internal)
		return ANSWER_FORWARD;
	*ret_len = dns_answer(ret_q, rcode < 0 ? DNS_REFUSED : (enum dns_rcode)rcode, a.records,
			      a.n, tcp ? DNS_MAX : dns_limit(ret_q), out);
	return ANSWER_READY;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dns: see dns.h. Called by answer.c for questions and by forward.c for what upstream says. Every length is looked at
 * before the bytes are; compression is skipped over and never followed, so nothing here can loop.
 */
#include <ctype.h>

#include "net/names/dns.h"

enum {
	QR = 0x8000,
	OPCODE = 0x7800,
	AA = 0x0400,
	TC = 0x0200,
	RD = 0x0100,
	RA = 0x0080,
	AD = 0x0020,
	CD = 0x0010
};
enum { DNSSEC_OK = 0x8000, LABEL_MAX = 63, POINTER = 0xc0, POINTER_TO_QUESTION = 0xc00c };
/* Records beside the question that a question may bring: OPT, a signature. */
enum { EXTRA_MAX = 4 };

/* ---- reading --------------------------------------------------------------------------------- */

struct reader {
	const uint8_t *at, *end;
	bool failed;
};

static size_t left(const struct reader *r)
{
	return r->failed ? 0 : (size_t)(r->end - r->at);
}

static const uint8_t *take(struct reader *r, size_t n)
{
	const uint8_t *at = r->at;

	if (r->failed || left(r) < n) {
		r->failed = true;
		return NULL;
	}
	r->at += n;
	return at;
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint16_t take16(struct reader *r)
{
	const uint8_t *at = take(r, 2);

	return at ? get16(at) : 0;
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* A name of someone else's record: which one it is does not matter. Returns whether it is the root. */
static bool skip_name(struct reader *r)
{
	const uint8_t *len = take(r, 1);
	bool root = len && !*len;

	while (len && *len && (*len & POINTER) != POINTER) {
		if (*len > LABEL_MAX)
			r->failed = true;
		take(r, *len);
		len = take(r, 1);
	}
	if (len && *len)
		take(r, 1); /* the other half of the pointer ends it */
	return root;
}

/* What a name of the file may consist of; a dot within a label would make two names out of one text. */
static bool is_plain(uint8_t c)
{
	return c > ' ' && c < 0x7f && c != '.' && c != '\\';
}

/* The name of a question has nothing before it that a pointer could lead to. */
static void take_name(struct reader *r, char ret[DNS_NAME])
{
	const uint8_t *start = r->at, *len;
	size_t n = 0;
	bool plain = true;

	while ((len = take(r, 1)) && *len) {
		const uint8_t *label = *len <= LABEL_MAX ? take(r, *len) : NULL;

		/* 255 bytes on their way, with the last, empty label. */
		if (!label || r->at - start > DNS_NAME - 2) {
			r->failed = true;
			return;
		}
		if (n)
			ret[n++] = '.';
		for (size_t i = 0; i < *len; i++) {
			plain &= is_plain(label[i]);
			ret[n++] = (char)tolower(label[i]);
		}
	}
	ret[plain ? n : 0] = '\0';
}

/* Behind its name. Returns where its data begin; NULL at the end of what is there. */
static const uint8_t *take_record(struct reader *r, uint16_t *ret_type, uint16_t *ret_class,
				  uint32_t *ret_ttl)
{
	uint32_t ttl;

	*ret_type = take16(r);
	*ret_class = take16(r);
	ttl = (uint32_t)take16(r) << 16;
	*ret_ttl = ttl | take16(r);
	return take(r, take16(r));
}

/* ---- questions ------------------------------------------------------------------------------- */

/* 0 or an rcode. */
static int take_extras(struct reader *r, unsigned n, struct dns_question *q)
{
	for (unsigned i = 0; i < n; i++) {
		uint16_t type, class;
		uint32_t ttl;
		bool root = skip_name(r);

		if (!take_record(r, &type, &class, &ttl))
			return DNS_FORMERR;
		if (type != DNS_OPT)
			continue;
		if (!root || q->edns)
			return DNS_FORMERR;
		q->edns = true;
		q->udp_size = class;
		q->dnssec_ok = ttl & DNSSEC_OK;
		if (ttl >> 16 & 0xff)
			return DNS_BADVERS;
	}
	return left(r) ? DNS_FORMERR : 0;
}

/* Whatever came before an error stays out of the answer to it. */
static int refuse(struct dns_question *q, int rcode)
{
	if (rcode == DNS_FORMERR || rcode == DNS_NOTIMP) {
		q->wire_len = 0;
		q->edns = false;
	}
	return rcode;
}

int dns_parse(const uint8_t *msg, size_t len, struct dns_question *ret)
{
	struct reader r = { .at = msg + DNS_HEADER, .end = msg + len };
	const uint8_t *name;

	*ret = (struct dns_question){ 0 };
	/* Who answers answers talks for ever. */
	if (len < DNS_HEADER || (get16(msg + 2) & QR))
		return -1;
	ret->id = get16(msg);
	ret->flags = get16(msg + 2);
	if (ret->flags & OPCODE)
		return refuse(ret, DNS_NOTIMP);
	if ((ret->flags & TC) || get16(msg + 4) != 1 || get16(msg + 6) || get16(msg + 8) ||
	    get16(msg + 10) > EXTRA_MAX)
		return refuse(ret, DNS_FORMERR);
	name = r.at;
	take_name(&r, ret->name);
	ret->type = take16(&r);
	ret->class = take16(&r);
	if (r.failed)
		return refuse(ret, DNS_FORMERR);
	ret->wire_len = (size_t)(r.at - name);
	memcpy(ret->wire, name, ret->wire_len);
	return refuse(ret, take_extras(&r, get16(msg + 10), ret));
}

size_t dns_limit(const struct dns_question *q)
{
	if (!q->edns || q->udp_size < DNS_PLAIN)
		return DNS_PLAIN;
	return q->udp_size < DNS_EDNS ? q->udp_size : DNS_EDNS;
}

/* ---- answers --------------------------------------------------------------------------------- */

bool dns_put_name(struct dns_record *r, const char *name)
{
	r->len = 0;
	for (size_t n; *name; name += n + (name[n] == '.')) {
		n = strcspn(name, ".");
		if (!n || n > LABEL_MAX || r->len + n + 2 > DNS_NAME - 1)
			return false;
		r->data[r->len] = (uint8_t)n;
		memcpy(r->data + r->len + 1, name, n);
		r->len = (uint16_t)(r->len + n + 1);
	}
	r->data[r->len++] = 0;
	return true;
}

static size_t put_header(uint8_t *out, const struct dns_question *q, uint16_t id, unsigned flags)
{
	memset(out, 0, DNS_HEADER);
	put16(out, id);
	put16(out + 2, flags | (q->flags & (RD | CD)));
	put16(out + 4, q->wire_len ? 1 : 0);
	memcpy(out + DNS_HEADER, q->wire, q->wire_len);
	return DNS_HEADER + q->wire_len;
}

/* `high`: the upper bits of an rcode. */
static size_t put_opt(uint8_t *out, unsigned size, unsigned high, bool dnssec_ok)
{
	memset(out, 0, DNS_OPT_SIZE);
	put16(out + 1, DNS_OPT);
	put16(out + 3, size);
	out[5] = (uint8_t)high;
	put16(out + 7, dnssec_ok ? DNSSEC_OK : 0);
	return DNS_OPT_SIZE;
}

static size_t put_record(uint8_t *out, const struct dns_record *r)
{
	memset(out, 0, DNS_HEADER);
	put16(out, POINTER_TO_QUESTION);
	put16(out + 2, r->type);
	put16(out + 4, DNS_IN);
	put16(out + 10, r->len);
	memcpy(out + 12, r->data, r->len);
	return 12u + r->len;
}

size_t dns_answer(const struct dns_question *q, enum dns_rcode rcode,
		  const struct dns_record *records, size_t n, size_t limit, uint8_t *out)
{
	size_t len = put_header(out, q, q->id,
				QR | AA | RA | (q->flags & OPCODE) | ((unsigned)rcode & 0xf));
	size_t room = limit - (q->edns ? DNS_OPT_SIZE : 0), put = 0;

	/* Nothing of others is ours to speak for. */
	if (rcode != DNS_NOERROR && rcode != DNS_NXDOMAIN)
		out[2] &= (uint8_t) ~(AA >> 8);
	while (put < n && len + 12 + records[put].len <= room)
		len += put_record(out + len, &records[put++]);
	if (put < n)
		out[2] |= TC >> 8;
	put16(out + 6, (unsigned)put);
	if (q->edns) {
		len += put_opt(out + len, DNS_EDNS, (unsigned)rcode >> 4, q->dnssec_ok);
		put16(out + 10, 1);
	}
	return len;
}

/* ---- forwarding ------------------------------------------------------------------------------ */

size_t dns_query(const struct dns_question *q, uint16_t id, uint8_t *out)
{
	size_t len = put_header(out, q, id, q->flags & AD);

	if (!q->edns)
		return len;
	put16(out + 10, 1);
	return len + put_opt(out + len, (unsigned)dns_limit(q), 0, q->dnssec_ok);
}

bool dns_truncated(const uint8_t *msg)
{
	return get16(msg + 2) & TC;
}

enum dns_rcode dns_rcode(const uint8_t *msg)
{
	return get16(msg + 2) & 0xf;
}

static bool same_question(const struct dns_question *q, const uint8_t *wire)
{
	size_t name = q->wire_len - 4;

	/* The length of a label is no letter: it is below 'A'. */
	for (size_t i = 0; i < name; i++)
		if (tolower(wire[i]) != tolower(q->wire[i]))
			return false;
	return !memcmp(wire + name, q->wire + name, 4);
}

/* Where the OPT is, if there is one; false: it is not well-formed. */
static bool walk(const uint8_t *msg, size_t len, size_t from, size_t *ret_opt)
{
	struct reader r = { .at = msg + from, .end = msg + len };
	unsigned n = (unsigned)get16(msg + 6) + get16(msg + 8) + get16(msg + 10);

	*ret_opt = 0;
	for (unsigned i = 0; i < n && !r.failed; i++) {
		uint16_t type, class;
		uint32_t ttl;
		bool root = skip_name(&r);
		size_t at = (size_t)(r.at - msg);

		if (take_record(&r, &type, &class, &ttl) && type == DNS_OPT && root)
			*ret_opt = at;
	}
	return !r.failed;
}

bool dns_is_answer(const struct dns_question *q, uint16_t id, const uint8_t *msg, size_t len)
{
	size_t opt;

	if (len < DNS_HEADER + q->wire_len || get16(msg) != id ||
	    (get16(msg + 2) & (QR | OPCODE)) != QR || get16(msg + 4) != 1)
		return false;
	return same_question(q, msg + DNS_HEADER) &&
	       /* What was cut may end anywhere. */
	       (walk(msg, len, DNS_HEADER + q->wire_len, &opt) || dns_truncated(msg));
}

size_t dns_hand_on(const struct dns_question *q, size_t limit, uint8_t *msg, size_t len)
{
	size_t head = DNS_HEADER + q->wire_len, opt;
	bool whole = walk(msg, len, head, &opt);

	put16(msg, q->id);
	memcpy(msg + DNS_HEADER, q->wire, q->wire_len);
	if (whole && len <= limit) {
		if (opt)
			put16(msg + opt + 2, DNS_EDNS);
		return len;
	}
	msg[2] |= TC >> 8;
	memset(msg + 6, 0, 6);
	if (!q->edns)
		return head;
	put16(msg + 10, 1);
	return head + put_opt(msg + head, DNS_EDNS, 0, q->dnssec_ok);
}

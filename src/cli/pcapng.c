/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pcapng: see pcapng.h. Each block ends with its own length, so that readers can go backwards. */
#include <linux/if_packet.h>

#include "cli/pcapng.h"

enum block {
	BLOCK_INTERFACE = 1,
	BLOCK_NAMES = 4,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a,
};

/* Numbers of options begin anew in each kind of block, but for the first two. */
enum option {
	OPT_END = 0,
	OPT_COMMENT = 1,
	SECTION_OS = 3,
	SECTION_PROGRAM = 4,
	IF_NAME = 2,
	IF_DESCRIPTION = 3,
	IF_IPV4 = 4,
	IF_IPV6 = 5,
	IF_MAC = 6,
	IF_TSRESOL = 9,
	IF_FILTER = 11,
	PACKET_FLAGS = 2,
	STAT_BEGIN = 2,
	STAT_END = 3,
	STAT_RECEIVED = 4,
	STAT_LOST = 5,
	STAT_WRITTEN = 8,
};

enum name_record { NAME_END = 0, NAME_IPV4 = 1, NAME_IPV6 = 2 };

#define BYTE_ORDER_MAGIC UINT32_C(0x1a2b3c4d)
#define TEXT_MAX	 4096 /* an option has 16 bits for its length */
#define NANOSECONDS	 9    /* 10 to the minus so many seconds */
#define MACS		 12   /* a VLAN tag stands behind the two addresses */
#define TAG		 4

/* ---- pieces ---------------------------------------------------------------------------------- */

static void put16(struct buf *b, uint16_t v)
{
	buf_add(b, &v, sizeof(v));
}

static void put32(struct buf *b, uint32_t v)
{
	buf_add(b, &v, sizeof(v));
}

static void put64(struct buf *b, uint64_t v)
{
	buf_add(b, &v, sizeof(v));
}

/* Times are two halves, the upper one first, in any byte order. */
static void put_time(struct buf *b, uint64_t ns)
{
	put32(b, (uint32_t)(ns >> 32));
	put32(b, (uint32_t)ns);
}

static void pad(struct buf *b, size_t len)
{
	static const char zeros[4];

	buf_add(b, zeros, -len & 3);
}

static size_t begin(struct buf *b, enum block type)
{
	size_t at = b->len;

	put32(b, (uint32_t)type);
	put32(b, 0);
	return at;
}

static void end(struct buf *b, size_t at)
{
	uint32_t len = (uint32_t)(b->len - at + sizeof(len));

	put32(b, len);
	memcpy(b->data + at + sizeof(uint32_t), &len, sizeof(len));
}

static void put_option(struct buf *b, enum option code, const void *data, size_t len)
{
	put16(b, (uint16_t)code);
	put16(b, (uint16_t)len);
	buf_add(b, data, len);
	pad(b, len);
}

static void put_text(struct buf *b, enum option code, const char *text)
{
	if (text)
		put_option(b, code, text, strnlen(text, TEXT_MAX));
}

static void put_end(struct buf *b)
{
	put_option(b, OPT_END, NULL, 0);
}

/* ---- section and interfaces ------------------------------------------------------------------ */

void pcapng_section(struct buf *out, const char *comment, const char *os, const char *program)
{
	size_t at = begin(out, BLOCK_SECTION);

	put32(out, BYTE_ORDER_MAGIC);
	put16(out, 1);
	put16(out, 0);
	put64(out, UINT64_MAX); /* its length is not known in advance */
	put_text(out, OPT_COMMENT, comment);
	put_text(out, SECTION_OS, os);
	put_text(out, SECTION_PROGRAM, program);
	put_end(out);
	end(out, at);
}

static void put_addr(struct buf *b, const struct net_window_addr *a)
{
	uint8_t bytes[17];

	if (a->family == AF_INET) {
		uint32_t mask = a->prefix ? UINT32_MAX << (32 - a->prefix) : 0;

		memcpy(bytes, a->addr, 4);
		for (int i = 0; i < 4; i++)
			bytes[4 + i] = (uint8_t)(mask >> (24 - 8 * i));
		put_option(b, IF_IPV4, bytes, 8);
	} else {
		memcpy(bytes, a->addr, 16);
		bytes[16] = (uint8_t)a->prefix;
		put_option(b, IF_IPV6, bytes, 17);
	}
}

static void put_filter(struct buf *b, const char *filter)
{
	uint8_t text[1 + TEXT_MAX] = { 0 }; /* the 0: as libpcap writes it */
	size_t len = filter ? strnlen(filter, TEXT_MAX) : 0;

	if (!filter)
		return;
	memcpy(text + 1, filter, len);
	put_option(b, IF_FILTER, text, 1 + len);
}

void pcapng_interface(struct buf *out, const struct pcapng_interface *i)
{
	size_t at = begin(out, BLOCK_INTERFACE);

	put16(out, i->linktype);
	put16(out, 0);
	put32(out, i->snaplen);
	put_text(out, IF_NAME, i->name);
	put_text(out, IF_DESCRIPTION, i->description);
	for (size_t k = 0; k < i->n_addrs; k++)
		put_addr(out, &i->addrs[k]);
	if (i->mac)
		put_option(out, IF_MAC, i->mac, 6);
	put_option(out, IF_TSRESOL, &(uint8_t){ NANOSECONDS }, 1);
	put_filter(out, i->filter);
	put_end(out);
	end(out, at);
}

/* ---- packets --------------------------------------------------------------------------------- */

/* Bits 0 and 1: 1 in, 2 out; bits 2 to 4: to one, to several, to all, to somebody else. */
static uint32_t flags_of(const struct net_packet *p)
{
	static const uint32_t flags[] = {
		[PACKET_HOST] = 1 | 1 << 2,	 [PACKET_BROADCAST] = 1 | 3 << 2,
		[PACKET_MULTICAST] = 1 | 2 << 2, [PACKET_OTHERHOST] = 1 | 4 << 2,
		[PACKET_OUTGOING] = 2,
	};

	return p->kind < ARRAY_LEN(flags) ? flags[p->kind] : 0;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The packet as it was on the wire: with its tag. */
static void put_data(struct buf *out, const struct net_packet *p, uint32_t len)
{
	if (!p->tagged || p->len < MACS) {
		buf_add(out, p->data, len);
		return;
	}
	buf_add(out, p->data, smaller(len, MACS));
	if (len > MACS)
		buf_add(out, p->tag, smaller(len - MACS, TAG));
	if (len > MACS + TAG)
		buf_add(out, p->data + MACS, len - MACS - TAG);
}

uint32_t pcapng_packet(struct buf *out, uint32_t interface, const struct net_packet *p,
		       uint32_t snaplen)
{
	uint32_t tag = p->tagged && p->len >= MACS ? TAG : 0;
	uint32_t len = smaller(p->len + tag, snaplen), flags = flags_of(p);
	size_t at = begin(out, BLOCK_PACKET);

	put32(out, interface);
	put_time(out, p->at_ns);
	put32(out, len);
	put32(out, p->wire_len + tag);
	put_data(out, p, len);
	pad(out, len);
	put_option(out, PACKET_FLAGS, &flags, sizeof(flags));
	put_end(out);
	end(out, at);
	return len;
}

/* ---- names and statistics -------------------------------------------------------------------- */

static void put_name(struct buf *out, const struct pcapng_name *n)
{
	size_t size = n->addr->family == AF_INET ? 4 : 16, len = strnlen(n->name, TEXT_MAX);

	put16(out, size == 4 ? NAME_IPV4 : NAME_IPV6);
	put16(out, (uint16_t)(size + len + 1));
	buf_add(out, n->addr->addr, size);
	buf_add(out, n->name, len);
	buf_putc(out, '\0');
	pad(out, size + len + 1);
}

void pcapng_names(struct buf *out, const struct pcapng_name *names, size_t n)
{
	size_t at = begin(out, BLOCK_NAMES);

	for (size_t i = 0; i < n; i++)
		put_name(out, &names[i]);
	put16(out, NAME_END);
	put16(out, 0);
	end(out, at);
}

static void put_stat_time(struct buf *b, enum option code, uint64_t ns)
{
	uint32_t halves[] = { (uint32_t)(ns >> 32), (uint32_t)ns };

	put_option(b, code, halves, sizeof(halves));
}

void pcapng_statistics(struct buf *out, const struct pcapng_statistics *s)
{
	size_t at = begin(out, BLOCK_STATISTICS);

	put32(out, s->interface);
	put_time(out, s->end_ns);
	put_stat_time(out, STAT_BEGIN, s->begin_ns);
	put_stat_time(out, STAT_END, s->end_ns);
	put_option(out, STAT_RECEIVED, &s->received, sizeof(s->received));
	put_option(out, STAT_LOST, &s->lost, sizeof(s->lost));
	put_option(out, STAT_WRITTEN, &s->written, sizeof(s->written));
	put_end(out);
	end(out, at);
}

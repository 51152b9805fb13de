/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of a capture file, byte for byte as the format's specification draws them, on a machine of either byte order. */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cli/pcapng.h"

/* ---- reading --------------------------------------------------------------------------------- */

static uint32_t at32(const struct buf *b, size_t at)
{
	uint32_t v;

	assert_true(at + sizeof(v) <= b->len);
	memcpy(&v, b->data + at, sizeof(v));
	return v;
}

static uint16_t at16(const struct buf *b, size_t at)
{
	uint16_t v;

	assert_true(at + sizeof(v) <= b->len);
	memcpy(&v, b->data + at, sizeof(v));
	return v;
}

/* One block and nothing else: its type, and its length at both ends. */
static void is_block(const struct buf *b, uint32_t type)
{
	assert_int_equal(b->len % 4, 0);
	assert_int_equal(at32(b, 0), type);
	assert_int_equal(at32(b, 4), b->len);
	assert_int_equal(at32(b, b->len - 4), b->len);
}

/* Where the value of the nth option of this code stands; 0: there is none. They begin at `at` and end the block. */
static size_t option(const struct buf *b, size_t at, uint16_t code, unsigned nth, size_t *ret_len)
{
	for (;;) {
		uint16_t this = at16(b, at), len = at16(b, at + 2);

		if (this == code && !nth--) {
			*ret_len = len;
			return at + 4;
		}
		if (!this) {
			assert_int_equal(at + 4 + 4, b->len);
			return 0;
		}
		at += 4 + ((len + 3u) & ~3u);
	}
}

static void has_option(const struct buf *b, size_t at, uint16_t code, const void *value, size_t len)
{
	size_t got_len = 0, got = option(b, at, code, 0, &got_len);

	assert_true(got);
	assert_int_equal(got_len, len);
	assert_memory_equal(b->data + got, value, len);
}

static void has_no_option(const struct buf *b, size_t at, uint16_t code)
{
	assert_int_equal(option(b, at, code, 0, &(size_t){ 0 }), 0);
}

/* ---- sections and interfaces ----------------------------------------------------------------- */

static void test_section(void **state)
{
	_cleanup_(buf_fini) struct buf b = { 0 };

	(void)state;
	pcapng_section(&b, "stack 'a'", "Linux 6", "mstack 1");
	is_block(&b, 0x0a0d0d0a);
	assert_int_equal(at32(&b, 8), 0x1a2b3c4d);
	assert_int_equal(at16(&b, 12), 1);
	assert_int_equal(at16(&b, 14), 0);
	assert_int_equal(at32(&b, 16), UINT32_MAX);
	assert_int_equal(at32(&b, 20), UINT32_MAX);
	has_option(&b, 24, 1, "stack 'a'", 9);
	has_option(&b, 24, 3, "Linux 6", 7);
	has_option(&b, 24, 4, "mstack 1", 8);
}

static void test_bare_section(void **state)
{
	_cleanup_(buf_fini) struct buf b = { 0 };

	(void)state;
	pcapng_section(&b, NULL, NULL, NULL);
	is_block(&b, 0x0a0d0d0a);
	assert_int_equal(b.len, 24 + 4 + 4);
}

static void test_interface(void **state)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 1 }, v4[] = { 10, 0, 0, 1, 255, 255, 254, 0 },
			     filter[] = { 0, 't', 'c', 'p' };
	struct net_window_addr addrs[2] = { { AF_INET, { 10, 0, 0, 1 }, 23 },
					    { AF_INET6, { 0xfd, [15] = 7 }, 64 } };
	struct pcapng_interface i = { .name = "web-1:eth0",
				      .description = "of web",
				      .filter = "tcp",
				      .linktype = PCAPNG_ETHERNET,
				      .snaplen = 128,
				      .mac = mac,
				      .addrs = addrs,
				      .n_addrs = 2 };
	_cleanup_(buf_fini) struct buf b = { 0 };
	uint8_t v6[17] = { 0xfd, [15] = 7, [16] = 64 };

	(void)state;
	pcapng_interface(&b, &i);
	is_block(&b, 1);
	assert_int_equal(at16(&b, 8), 1);
	assert_int_equal(at16(&b, 10), 0);
	assert_int_equal(at32(&b, 12), 128);
	has_option(&b, 16, 2, "web-1:eth0", 10);
	has_option(&b, 16, 3, "of web", 6);
	has_option(&b, 16, 4, v4, sizeof(v4));
	has_option(&b, 16, 5, v6, sizeof(v6));
	has_option(&b, 16, 6, mac, sizeof(mac));
	has_option(&b, 16, 9, "\x09", 1);
	has_option(&b, 16, 11, filter, sizeof(filter));
}

static void test_masks(void **state)
{
	static const struct {
		unsigned prefix;
		uint8_t mask[4];
	} t[] = { { 0, { 0 } },
		  { 1, { 128 } },
		  { 24, { 255, 255, 255 } },
		  { 32, { 255, 255, 255, 255 } } };

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(t); k++) {
		struct net_window_addr addr = { AF_INET, { 0 }, t[k].prefix };
		struct pcapng_interface i = { .name = "x", .addrs = &addr, .n_addrs = 1 };
		_cleanup_(buf_fini) struct buf b = { 0 };
		size_t len, at;

		pcapng_interface(&b, &i);
		at = option(&b, 16, 4, 0, &len);
		assert_memory_equal(b.data + at + 4, t[k].mask, 4);
		has_no_option(&b, 16, 3);
		has_no_option(&b, 16, 6);
		has_no_option(&b, 16, 11);
	}
}

/* The length of an option has 16 bits: nobody's text may make a block that says something else. */
static void test_long_texts(void **state)
{
	_cleanup_(buf_fini) struct buf b = { 0 };
	char text[70000];
	struct pcapng_interface i = { .name = text, .filter = text };
	size_t len;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	pcapng_interface(&b, &i);
	is_block(&b, 1);
	assert_true(option(&b, 16, 2, 0, &len));
	assert_int_equal(len, 4096);
	assert_true(option(&b, 16, 11, 0, &len));
	assert_int_equal(len, 4097);
}

/* ---- packets --------------------------------------------------------------------------------- */

static const uint8_t frame[] = "abcdefABCDEF\x08\x00rest of it";
#define FRAME (sizeof(frame) - 1)

static void test_packet(void **state)
{
	struct net_packet p = { .at_ns = UINT64_C(0x1122334455667788),
				.data = frame,
				.len = FRAME,
				.wire_len = 1000,
				.kind = PACKET_OUTGOING };
	_cleanup_(buf_fini) struct buf b = { 0 };
	uint32_t flags = 2;

	(void)state;
	assert_int_equal(pcapng_packet(&b, 7, &p, 4096), FRAME);
	is_block(&b, 6);
	assert_int_equal(at32(&b, 8), 7);
	assert_int_equal(at32(&b, 12), 0x11223344);
	assert_int_equal(at32(&b, 16), 0x55667788);
	assert_int_equal(at32(&b, 20), FRAME);
	assert_int_equal(at32(&b, 24), 1000);
	assert_memory_equal(b.data + PCAPNG_PACKET_HEAD, frame, FRAME);
	has_option(&b, PCAPNG_PACKET_HEAD + ((FRAME + 3) & ~3u), 2, &flags, 4);
}

static void test_directions(void **state)
{
	static const struct {
		uint8_t kind;
		uint32_t flags;
	} t[] = { { PACKET_HOST, 0x5 },	      { PACKET_MULTICAST, 0x9 }, { PACKET_BROADCAST, 0xd },
		  { PACKET_OTHERHOST, 0x11 }, { PACKET_OUTGOING, 0x2 },	 { 200, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct net_packet p = {
			.data = frame, .len = 16, .wire_len = 16, .kind = t[i].kind
		};
		_cleanup_(buf_fini) struct buf b = { 0 };

		pcapng_packet(&b, 0, &p, 4096);
		has_option(&b, PCAPNG_PACKET_HEAD + 16, 2, &t[i].flags, 4);
	}
}

/* The tag that the kernel took out is there again, whatever is cut off behind it. */
static void test_tags(void **state)
{
	static const char whole[] = "abcdefABCDEF\x81\x00\x20\x05\x08\x00rest of it";
	static const unsigned snaplens[] = { 4096, 30, 17, 16, 15, 13, 12, 11, 1 };
	struct net_packet p = { .data = frame,
				.len = FRAME,
				.wire_len = FRAME,
				.tagged = true,
				.tag = { 0x81, 0x00, 0x20, 0x05 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(snaplens); i++) {
		uint32_t len = snaplens[i] < FRAME + 4 ? snaplens[i] : FRAME + 4;
		_cleanup_(buf_fini) struct buf b = { 0 };

		assert_int_equal(pcapng_packet(&b, 0, &p, snaplens[i]), len);
		is_block(&b, 6);
		assert_int_equal(at32(&b, 20), len);
		assert_int_equal(at32(&b, 24), FRAME + 4);
		assert_memory_equal(b.data + PCAPNG_PACKET_HEAD, whole, len);
	}
	p.len = 11; /* there is no place for one */
	{
		_cleanup_(buf_fini) struct buf b = { 0 };

		assert_int_equal(pcapng_packet(&b, 0, &p, 4096), 11);
		assert_memory_equal(b.data + PCAPNG_PACKET_HEAD, frame, 11);
	}
}

/* ---- names and statistics -------------------------------------------------------------------- */

static void test_names(void **state)
{
	struct net_window_addr v4 = { AF_INET, { 10, 0, 0, 2 }, 24 },
			       v6 = { AF_INET6, { 0xfd }, 64 };
	struct pcapng_name names[] = { { "web-1", &v4 }, { "db", &v6 } };
	_cleanup_(buf_fini) struct buf b = { 0 };

	(void)state;
	pcapng_names(&b, names, 2);
	is_block(&b, 4);
	assert_int_equal(at16(&b, 8), 1);
	assert_int_equal(at16(&b, 10), 4 + 6);
	assert_memory_equal(b.data + 12, "\x0a\0\0\x02web-1\0\0\0", 12);
	assert_int_equal(at16(&b, 24), 2);
	assert_int_equal(at16(&b, 26), 16 + 3);
	assert_string_equal(b.data + 28 + 16, "db");
	assert_int_equal(at32(&b, 28 + 20), 0);
	assert_int_equal(b.len, 28 + 20 + 4 + 4);
}

static void test_statistics(void **state)
{
	struct pcapng_statistics s = { .interface = 3,
				       .begin_ns = UINT64_C(0x100000002),
				       .end_ns = UINT64_C(0x300000004),
				       .received = 50,
				       .lost = 8,
				       .written = 42 };
	const uint32_t begin[] = { 1, 2 }, end[] = { 3, 4 };
	_cleanup_(buf_fini) struct buf b = { 0 };

	(void)state;
	pcapng_statistics(&b, &s);
	is_block(&b, 5);
	assert_int_equal(at32(&b, 8), 3);
	assert_int_equal(at32(&b, 12), 3);
	assert_int_equal(at32(&b, 16), 4);
	has_option(&b, 20, 2, begin, 8);
	has_option(&b, 20, 3, end, 8);
	has_option(&b, 20, 4, &s.received, 8);
	has_option(&b, 20, 5, &s.lost, 8);
	has_option(&b, 20, 8, &s.written, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_section),	   cmocka_unit_test(test_bare_section),
		cmocka_unit_test(test_interface),  cmocka_unit_test(test_masks),
		cmocka_unit_test(test_long_texts), cmocka_unit_test(test_packet),
		cmocka_unit_test(test_directions), cmocka_unit_test(test_tags),
		cmocka_unit_test(test_names),	   cmocka_unit_test(test_statistics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

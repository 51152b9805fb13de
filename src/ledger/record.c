/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record: the ledger's head and records as bytes, and back. Called by ledger.c. Touches no file
 * but the kernel's boot id; believes nothing that it reads before the check sum fits.
 */
#include <fcntl.h>

#include "ledger/record.h"

#define MAGIC	"mstackL\n"
#define VERSION 1

/* What lies before the texts; `sum` covers all that comes behind it. */
struct fixed {
	uint32_t len;
	uint32_t sum;
	uint32_t id, parent;
	uint64_t ident[2];
	uint16_t state, flags;
	uint8_t kind_len, unused;
	uint16_t key_len;
};

_Static_assert(sizeof(struct fixed) == 40, "the fixed part is known to record.h");
_Static_assert(sizeof(struct ledger_head) == 64, "the head has no holes");

/* CRC-32 (IEEE 802.3) by half bytes: a table of 64 bytes is fast enough and always in the cache. */
static uint32_t crc32(const void *data, size_t len)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const uint8_t *p = data;
	uint32_t crc = ~0u;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

void ledger_boot_id(char ret[40])
{
	struct buf text = { 0 };

	memset(ret, 0, 40);
	if (!file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 39, &text))
		memcpy(ret, buf_str(&text), strcspn(buf_str(&text), "\n"));
	buf_fini(&text);
}

static uint32_t head_sum(const struct ledger_head *h)
{
	struct ledger_head copy = *h;

	copy.sum = 0;
	return crc32(&copy, sizeof(copy));
}

void ledger_head_make(struct ledger_head *h, uint64_t start, const char boot[40])
{
	*h = (struct ledger_head){ .version = VERSION, .start = start };
	memcpy(h->magic, MAGIC, sizeof(h->magic));
	memcpy(h->boot, boot, sizeof(h->boot));
	h->sum = head_sum(h);
}

enum ledger_head_check ledger_head_check(const struct ledger_head *h, size_t len)
{
	static const char none[sizeof(h->magic)];
	size_t seen = len < sizeof(h->magic) ? len : sizeof(h->magic);

	/* Records are written before their head: without one they are nobody's yet. */
	if (!memcmp(h->magic, none, seen))
		return LEDGER_HEAD_TORN;
	if (memcmp(h->magic, MAGIC, seen))
		return LEDGER_HEAD_FOREIGN;
	if (len < sizeof(*h) || h->sum != head_sum(h) || h->start < sizeof(*h))
		return LEDGER_HEAD_TORN;
	return h->version == VERSION ? LEDGER_HEAD_GOOD : LEDGER_HEAD_FOREIGN;
}

static size_t text_size(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

size_t ledger_record_encode(const struct ledger_record *r, uint8_t to[LEDGER_RECORD_MAX])
{
	size_t kind_len = text_size(r->kind), key_len = text_size(r->key);
	struct fixed f = {
		.len = (uint32_t)(sizeof(f) + kind_len + key_len),
		.id = r->id,
		.parent = r->parent,
		.ident = { r->ident[0], r->ident[1] },
		.state = r->state,
		.flags = r->flags,
		.kind_len = (uint8_t)kind_len,
		.key_len = (uint16_t)key_len,
	};

	memcpy(to, &f, sizeof(f));
	if (kind_len)
		memcpy(to + sizeof(f), r->kind, kind_len);
	if (key_len)
		memcpy(to + sizeof(f) + kind_len, r->key, key_len);
	f.sum = crc32(to + offsetof(struct fixed, id), f.len - offsetof(struct fixed, id));
	memcpy(to + offsetof(struct fixed, sum), &f.sum, sizeof(f.sum));
	return f.len;
}

/* A text is absent, or ends with the one NUL that it holds. */
static bool text_sound(const char *s, size_t size)
{
	return !size || strnlen(s, size) == size - 1;
}

size_t ledger_record_decode(const uint8_t *from, size_t len, struct ledger_record *ret)
{
	struct fixed f;
	const char *text = (const char *)from + sizeof(f);

	if (len < sizeof(f))
		return 0;
	memcpy(&f, from, sizeof(f));
	if (f.len > len || f.kind_len > LEDGER_KIND_MAX || f.key_len > LEDGER_KEY_MAX ||
	    f.len != sizeof(f) + f.kind_len + f.key_len)
		return 0;
	if (f.sum != crc32(from + offsetof(struct fixed, id), f.len - offsetof(struct fixed, id)))
		return 0;
	if (!f.id || f.parent >= f.id || f.state < LEDGER_INTENT || f.state > LEDGER_GONE ||
	    !f.kind_len != !f.key_len || !text_sound(text, f.kind_len) ||
	    !text_sound(text + f.kind_len, f.key_len))
		return 0;
	*ret = (struct ledger_record){
		.id = f.id,
		.parent = f.parent,
		.ident = { f.ident[0], f.ident[1] },
		.state = f.state,
		.flags = f.flags,
		.kind = f.kind_len ? text : NULL,
		.key = f.key_len ? text + f.kind_len : NULL,
	};
	return f.len;
}

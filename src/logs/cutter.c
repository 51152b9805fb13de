/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cutter: see cutter.h. Called by stream for every block that comes out of a pipe, so whole lines
 * are passed on where they lie and only the rest of a block is copied.
 */
#include "logs/cutter.h"
#include "logs/logrecord.h"

static void emit_held(struct cutter *c, bool partial, cutter_emit_fn *emit, void *arg)
{
	emit(arg, buf_str(&c->held), c->held.len, partial);
	buf_fini(&c->held);
}

static size_t limit(const struct cutter *c)
{
	return c->max ? c->max : RECORD_TEXT_MAX;
}

/*
 * Bytes of a line that go on beyond the limit leave in records of exactly the limit. A line that
 * just reaches it waits, as its newline may be the next byte.
 */
static void hold(struct cutter *c, const char *data, size_t len, cutter_emit_fn *emit, void *arg)
{
	while (len > 0) {
		size_t space = limit(c) - c->held.len, n = len < space ? len : space;

		if (space == 0) {
			emit_held(c, true, emit, arg);
			continue;
		}
		buf_add(&c->held, data, n);
		data += n;
		len -= n;
	}
}

void cutter_feed(struct cutter *c, const char *data, size_t len, cutter_emit_fn *emit, void *arg)
{
	const char *end = data + len;

	while (data < end) {
		const char *nl = memchr(data, '\n', (size_t)(end - data));
		size_t n = (size_t)((nl ? nl : end) - data);

		if (nl && c->held.len == 0 && n <= limit(c)) {
			emit(arg, data, n, false);
		} else {
			hold(c, data, n, emit, arg);
			if (nl)
				emit_held(c, false, emit, arg);
		}
		data += n + (nl ? 1 : 0);
	}
}

void cutter_end(struct cutter *c, cutter_emit_fn *emit, void *arg)
{
	if (c->held.len > 0)
		emit_held(c, false, emit, arg);
}

void cutter_fini(struct cutter *c)
{
	buf_fini(&c->held);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jsonline: see jsonline.h. Escapes are those of docker's own encoder (moby, jsonlogbytes): what is no UTF-8 becomes U+FFFD byte by byte,
 * and <, >, & are written as \u003c, \u003e, \u0026. Reading trusts nothing: files may be damaged.
 */
#include "logs/jsonline.h"

#define REPLACEMENT 0xfffd
#define DEPTH_MAX   16

static const char *const streams[] = {
	[LOGS_STDOUT] = "stdout",
	[LOGS_STDERR] = "stderr",
	[LOGS_MSTACK] = "mstack",
};

/* ---- writing --------------------------------------------------------------------------------- */

/* The length of the character of UTF-8 that begins here; 0: none does. As Go counts: no surrogates, nothing longer than needed. */
static size_t character(const unsigned char *s, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80	     ? 1
		   : s[0] >> 5 == 6  ? 2
		   : s[0] >> 4 == 14 ? 3
		   : s[0] >> 3 == 30 ? 4
				     : 0;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7fu >> n);

	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return n;
}

/* What docker's encoder copies as it is; most of what services write, so it is looked for first. */
static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

/* Go has short forms for these four only: a tab becomes \u0009. */
static void put_escape(struct buf *out, uint32_t c)
{
	if (c == '"' || c == '\\')
		buf_printf(out, "\\%c", (char)c);
	else if (c == '\n' || c == '\r')
		buf_puts(out, c == '\n' ? "\\n" : "\\r");
	else
		buf_printf(out, "\\u%04x", c);
}

void logs_json_text(struct buf *out, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t at = 0; at < len;) {
		size_t plain = at, n;
		uint32_t c = 0;

		while (plain < len && is_plain(s[plain]))
			plain++;
		buf_add(out, text + at, plain - at);
		at = plain;
		if (at == len)
			break;
		n = character(s + at, len - at, &c);
		if (n <= 1 || c == 0x2028 || c == 0x2029)
			put_escape(out, n ? c : REPLACEMENT);
		else
			buf_add(out, text + at, n);
		at += n ? n : 1;
	}
}

void jsonline_put(struct buf *out, uint64_t wall_ns, enum logs_fd fd, const char *text, size_t len,
		  bool partial)
{
	char stamp[TIME_STAMP_SIZE];

	time_stamp(wall_ns, stamp);
	buf_puts(out, "{\"log\":\"");
	logs_json_text(out, text, len);
	buf_printf(out, "%s\",\"stream\":\"%s\",\"time\":\"%s\"}", partial ? "" : "\\n",
		   streams[fd], stamp);
}

/* ---- reading --------------------------------------------------------------------------------- */

struct scan {
	const char *at, *end;
};

/* Docker writes none, others may. A newline ends a record, so there is none in it. */
static void skip_blanks(struct scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\t'))
		s->at++;
}

static bool take(struct scan *s, char c)
{
	skip_blanks(s);
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static void put_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_putc(out, (char)c);
	} else if (c < 0x800) {
		buf_putc(out, (char)(0xc0 | c >> 6));
		buf_putc(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_putc(out, (char)(0xe0 | c >> 12));
		buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_putc(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_putc(out, (char)(0xf0 | c >> 18));
		buf_putc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_putc(out, (char)(0x80 | (c & 0x3f)));
	}
}

/* The four digits behind \u. */
static int take_hex(struct scan *s, uint32_t *ret)
{
	uint32_t c = 0;

	if (s->end - s->at < 4)
		return -1;
	for (int i = 0; i < 4; i++, s->at++) {
		char h = *s->at;

		if (h >= '0' && h <= '9')
			c = c << 4 | (uint32_t)(h - '0');
		else if ((h | 0x20) >= 'a' && (h | 0x20) <= 'f')
			c = c << 4 | (uint32_t)((h | 0x20) - 'a' + 10);
		else
			return -1;
	}
	*ret = c;
	return 0;
}

/* Two that belong together are one character; one alone is none. */
static int take_unicode(struct scan *s, struct buf *out)
{
	uint32_t c, low;
	struct scan next;

	if (take_hex(s, &c) < 0)
		return -1;
	if (c < 0xd800 || c >= 0xe000) {
		put_utf8(out, c);
		return 0;
	}
	next = *s;
	if (c < 0xdc00 && next.end - next.at > 2 && next.at[0] == '\\' && next.at[1] == 'u') {
		next.at += 2;
		if (take_hex(&next, &low) == 0 && low >= 0xdc00 && low < 0xe000) {
			put_utf8(out, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
			*s = next;
			return 0;
		}
	}
	put_utf8(out, REPLACEMENT);
	return 0;
}

/* What stands behind a backslash. */
static int take_escape(struct scan *s, struct buf *out)
{
	static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *name;

	if (s->at == s->end)
		return -1;
	if (*s->at == 'u') {
		s->at++;
		return take_unicode(s, out);
	}
	name = memchr(names, *s->at++, sizeof(names) - 1);
	if (!name)
		return -1;
	buf_putc(out, means[name - names]);
	return 0;
}

/* A string with its quotes. */
static int take_string(struct scan *s, struct buf *out)
{
	buf_cut(out, 0);
	if (!take(s, '"'))
		return -1;
	while (s->at < s->end && *s->at != '"') {
		const char *from = s->at;

		while (s->at < s->end && *s->at != '"' && *s->at != '\\')
			s->at++;
		buf_add(out, from, (size_t)(s->at - from));
		if (s->at < s->end && *s->at == '\\') {
			s->at++;
			if (take_escape(s, out) < 0)
				return -1;
		}
	}
	return take(s, '"') ? 0 : -1;
}

/* A value that nobody asks for. */
static int skip_value(struct scan *s, struct buf *scratch)
{
	int depth = 0;

	do {
		skip_blanks(s);
		if (s->at == s->end)
			return -1;
		if (*s->at == '"') {
			if (take_string(s, scratch) < 0)
				return -1;
		} else if (*s->at == '{' || *s->at == '[') {
			depth++;
			s->at++;
		} else if (depth && (*s->at == '}' || *s->at == ']')) {
			depth--;
			s->at++;
		} else if (!depth && (*s->at == ',' || *s->at == '}')) {
			break;
		} else {
			s->at++;
		}
	} while (depth > 0 || (s->at < s->end && *s->at != ',' && *s->at != '}'));
	return depth <= DEPTH_MAX ? 0 : -1;
}

static int stream_of(const struct buf *name, enum logs_fd *ret)
{
	for (enum logs_fd fd = LOGS_STDOUT; fd <= LOGS_MSTACK; fd++) {
		if (!strcmp(buf_str(name), streams[fd])) {
			*ret = fd;
			return 0;
		}
	}
	return -1;
}

/* All three must be there: a record without a time has no place among the others. */
enum { HAS_LOG = 1, HAS_STREAM = 2, HAS_TIME = 4, HAS_ALL = 7 };

/* One key with its value. */
static int take_pair(struct scan *s, struct buf *scratch, struct buf *text, struct logs_line *line,
		     unsigned *has)
{
	char key[8] = "";

	if (take_string(s, scratch) < 0 || !take(s, ':'))
		return -1;
	if (scratch->len < sizeof(key))
		strcpy(key, buf_str(scratch));
	if (!strcmp(key, "log")) {
		*has |= HAS_LOG;
		return take_string(s, text);
	}
	if (strcmp(key, "stream") && strcmp(key, "time"))
		return skip_value(s, scratch);
	if (take_string(s, scratch) < 0)
		return -1;
	*has |= key[0] == 's' ? HAS_STREAM : HAS_TIME;
	return key[0] == 's' ? stream_of(scratch, &line->fd)
			     : time_parse_stamp(buf_str(scratch), &line->wall_ns);
}

static int parse(struct scan *s, struct buf *scratch, struct buf *text, struct logs_line *line)
{
	unsigned has = 0;

	if (!take(s, '{'))
		return -1;
	do
		if (take_pair(s, scratch, text, line, &has) < 0)
			return -1;
	while (take(s, ','));
	return take(s, '}') && has == HAS_ALL ? 0 : -1;
}

int jsonline_parse(const char *record, size_t len, struct buf *text, struct logs_line *ret)
{
	struct scan s = { .at = record, .end = record + len };
	_cleanup_(buf_fini) struct buf scratch = { 0 };
	struct logs_line line = { 0 };

	buf_cut(text, 0);
	if (parse(&s, &scratch, text, &line) < 0)
		return -1;
	line.partial = !text->len || text->data[text->len - 1] != '\n';
	line.text = buf_str(text);
	line.len = text->len - !line.partial;
	*ret = line;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * logrecord: writing and reading the head of a record. Called by stream and segment on the one
 * side, by cursor on the other. Files may be damaged, or written by somebody else in the same
 * format: reading trusts nothing.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "logs/jsonline.h"
#include "logs/logrecord.h"

#define FLAG_AT	 (RECORD_HEAD - 2)
#define NAME_LEN 6

static const char names[][NAME_LEN + 1] = {
	[LOGS_STDOUT] = "stdout",
	[LOGS_STDERR] = "stderr",
	[LOGS_MSTACK] = "mstack",
};

void record_head(char ret[RECORD_HEAD], uint64_t wall_ns, enum logs_fd fd)
{
	char stamp[TIME_STAMP_SIZE];
	size_t n = time_stamp(wall_ns, stamp);

	assert(n + 1 + NAME_LEN + 3 == RECORD_HEAD);
	memcpy(ret, stamp, n);
	ret[n] = ' ';
	memcpy(ret + n + 1, names[fd], NAME_LEN);
	memcpy(ret + n + 1 + NAME_LEN, " F ", 3);
}

void record_set_partial(char head[RECORD_HEAD], bool partial)
{
	head[FLAG_AT] = partial ? 'P' : 'F';
}

/* The stamp up to the first space; returns what follows, or NULL. */
static const char *parse_stamp(const char *s, const char *end, uint64_t *ret)
{
	size_t space = (size_t)(end - s) < TIME_STAMP_SIZE ? (size_t)(end - s) : TIME_STAMP_SIZE;
	const char *stop = memchr(s, ' ', space);
	char stamp[TIME_STAMP_SIZE];

	if (!stop)
		return NULL;
	memcpy(stamp, s, (size_t)(stop - s));
	stamp[stop - s] = '\0';
	return time_parse_stamp(stamp, ret) == 0 ? stop + 1 : NULL;
}

static int parse_name(const char *s, enum logs_fd *ret)
{
	for (enum logs_fd fd = LOGS_STDOUT; fd <= LOGS_MSTACK; fd++) {
		if (memcmp(s, names[fd], NAME_LEN) == 0) {
			*ret = fd;
			return 0;
		}
	}
	return -1;
}

/* ---- entries of a journal -------------------------------------------------------------------- */

static const char entry_begin[] = "{\"seq\":", entry_time[] = ",\"time\":\"";

size_t record_entry_head(char ret[ENTRY_HEAD_MAX], uint64_t seq, uint64_t wall_ns)
{
	char stamp[TIME_STAMP_SIZE];

	time_stamp(wall_ns, stamp);
	return (size_t)snprintf(ret, ENTRY_HEAD_MAX, "%s%" PRIu64 "%s%s\",", entry_begin, seq,
				entry_time, stamp);
}

static const char *skip_text(const char *s, const char *end, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(end - s) >= len && memcmp(s, text, len) == 0 ? s + len : NULL;
}

int record_entry_parse(const char *record, size_t len, uint64_t *ret_seq, uint64_t *ret_wall_ns)
{
	const char *end = record + len, *s = skip_text(record, end, entry_begin), *stop;
	char stamp[TIME_STAMP_SIZE];
	uint64_t seq = 0;
	int digits = 0;

	for (; s && s < end && *s >= '0' && *s <= '9' && digits < SEQ_DIGITS; s++, digits++)
		seq = seq * 10 + (uint64_t)(*s - '0');
	s = s && digits ? skip_text(s, end, entry_time) : NULL;
	stop = s ? memchr(s, '"', (size_t)(end - s)) : NULL;
	if (!stop || stop - s >= TIME_STAMP_SIZE)
		return -1;
	memcpy(stamp, s, (size_t)(stop - s));
	stamp[stop - s] = '\0';
	*ret_seq = seq;
	return time_parse_stamp(stamp, ret_wall_ns);
}

static int parse_entry(const char *record, size_t len, struct logs_line *ret)
{
	struct logs_line line = { .fd = LOGS_MSTACK, .text = record, .len = len };
	uint64_t seq;

	if (record_entry_parse(record, len, &seq, &line.wall_ns) < 0)
		return -1;
	*ret = line;
	return 0;
}

int record_parse(const char *record, size_t len, struct logs_line *ret)
{
	const char *end = record + len;
	struct logs_line line = { 0 };
	const char *s;

	if (len > 0 && *record == '{')
		return parse_entry(record, len, ret);
	s = parse_stamp(record, end, &line.wall_ns);
	if (!s || end - s < NAME_LEN + 3 || parse_name(s, &line.fd) < 0)
		return -1;
	s += NAME_LEN;
	if (s[0] != ' ' || (s[1] != 'F' && s[1] != 'P') || s[2] != ' ')
		return -1;
	line.partial = s[1] == 'P';
	line.text = s + 3;
	line.len = (size_t)(end - line.text);
	*ret = line;
	return 0;
}

int record_read(const char *record, size_t len, struct buf *text, struct logs_line *ret)
{
	if (len > 0 && *record == '{' && parse_entry(record, len, ret) < 0)
		return jsonline_parse(record, len, text, ret);
	return record_parse(record, len, ret);
}

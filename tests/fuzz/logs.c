/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: the input is first what a service wrote, cut in two ways that must give the same
 * lines, then what is found in a segment. Build with clang -fsanitize=fuzzer,address,undefined,
 * -Isrc, and the rooms logs and base.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "logs/cursor.h"
#include "logs/cutter.h"
#include "logs/jsonline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(void *arg, const char *text, size_t len, bool partial)
{
	buf_add(arg, text, len);
	buf_puts(arg, partial ? "\nP" : "\nF");
}

static void cut(const char *data, size_t size, size_t piece, struct buf *ret)
{
	struct cutter c = { 0 };

	for (size_t at = 0; at < size; at += piece)
		cutter_feed(&c, data + at, piece < size - at ? piece : size - at, note, ret);
	cutter_end(&c, note, ret);
	cutter_fini(&c);
}

/* The whole and its tail: the tail must be the end of the whole. */
static int64_t count_lines(const char *dir, int64_t tail)
{
	struct logs_line line;
	struct cursor c;
	int64_t n = 0;

	cursor_init(&c, dir);
	if (tail >= 0 && cursor_seek_tail(&c, &(struct cursor_tail){ .lines = tail }, NULL) < 0)
		n = -1;
	while (n >= 0 && cursor_next(&c, &line, NULL) > 0)
		n += !line.partial;
	cursor_fini(&c);
	return n;
}

/* What is written as a line of docker's is read back, and what is read is the same when it is written again. */
static void as_json(const char *data, size_t size)
{
	struct buf record = { 0 }, again = { 0 }, text = { 0 }, second = { 0 };
	size_t len = size < JSON_TEXT_MAX ? size : JSON_TEXT_MAX;
	struct logs_line line, other;

	if (memchr(data, '\n', len))
		len = (size_t)((const char *)memchr(data, '\n', len) - data);
	jsonline_put(&record, 1769853600123456789u, LOGS_STDERR, data, len, len % 2);
	assert(record.len <= RECORD_MAX &&
	       jsonline_parse(record.data, record.len, &text, &line) == 0);
	jsonline_put(&again, line.wall_ns, line.fd, line.text, line.len, line.partial);
	assert(jsonline_parse(again.data, again.len, &second, &other) == 0);
	assert(other.len == line.len && other.partial == line.partial &&
	       memcmp(other.text, line.text, line.len) == 0);
	buf_fini(&record);
	buf_fini(&again);
	buf_fini(&second);
	/* And any bytes as such a line. */
	if (jsonline_parse(data, size, &text, &line) == 0)
		assert(line.len <= size);
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char dir[] = "/tmp/mstack-fuzz-XXXXXX", path[64];
	struct buf a = { 0 }, b = { 0 };
	int64_t all, some;

	cut((const char *)data, size, size, &a);
	cut((const char *)data, size, size ? 1 + data[0] % 7 : 1, &b);
	assert(a.len == b.len && memcmp(buf_str(&a), buf_str(&b), a.len) == 0);
	buf_fini(&a);
	buf_fini(&b);
	as_json((const char *)data, size);
	if (!mkdtemp(dir))
		return 0;
	snprintf(path, sizeof(path), "%s/current.log", dir);
	if (file_replace(AT_FDCWD, path, data, size, 0600) == 0) {
		all = count_lines(dir, -1);
		some = count_lines(dir, 2);
		assert(all >= 0 && some >= 0 && some <= 2 && some <= all);
	}
	path_remove_tree(AT_FDCWD, dir);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as a layer, through all that reads them: decompression, digests, the headers of tar, names.
 * Nothing is unpacked. Whatever name comes out, it stays below the folder. Build with clang
 * -fsanitize=fuzzer,address,undefined and the rooms store/program and base.
 */
#include <archive_entry.h>
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/program/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct store_limits limits = {
	.bytes = 1 << 20, .entries = 1000, .ratio = 100, .ratio_from = 1 << 20
};

static void check_path(const char *path)
{
	struct err err = { 0 };
	char clean[PATH_MAX], name[PATH_MAX];

	if (store_clean_path(path, clean, &err) < 0)
		return;
	assert(clean[0] != '/' && strlen(clean) <= strlen(path));
	for (const char *p = clean; *p;) {
		size_t len = strcspn(p, "/");

		snprintf(name, sizeof(name), "%.*s", (int)len, p);
		assert(len && strcmp(name, ".") && strcmp(name, ".."));
		p += len + (p[len] == '/');
		assert(*p || p[-1] != '/');
	}
}

static void read_all(struct feed *f)
{
	struct archive_entry *e;
	const void *block;
	uint64_t entries = 0;
	int64_t at;
	size_t len;
	int rc;

	while ((rc = archive_read_next_header(f->tar, &e)) >= ARCHIVE_WARN && rc != ARCHIVE_EOF) {
		const char *path = archive_entry_pathname(e);

		if (path)
			check_path(path);
		if (++entries > limits.entries)
			return;
		while (archive_read_data_block(f->tar, &block, &len, &at) == ARCHIVE_OK)
			;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The first byte: is there a digest that it must have, and what is the archive? */
	static const char digest[] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	struct store_task task = { .marks = -1, .limits = &limits };
	char ret[FEED_DIGEST_SIZE];
	struct err err = { 0 };
	struct feed f;

	if (!size)
		return 0;
	task.sort = data[0] % 3;
	task.content = data[0] & 4 ? digest : NULL;
	task.archive = memfd_create("fuzz", MFD_CLOEXEC);
	if (task.archive < 0 || fd_write_all(task.archive, data + 1, size - 1) < 0 ||
	    lseek(task.archive, 0, SEEK_SET) < 0)
		return 0;
	if (!feed_open(&f, &task, &err)) {
		read_all(&f);
		(void)feed_finish(&f, ret, &err);
	}
	feed_fini(&f);
	close(task.archive);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed: see feed.h. Two readers of libarchive, one behind the other: the first only decompresses, the second only
 * understands tar. So what a layer is named by, the digest of its tar, is known without reading it twice. Called by
 * unpack.c in the confined process; the fuzz target feeds it with files of its own.
 */
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "store/program/feed.h"

#define BLOCK_SIZE (512u << 10)
/* Of a tar. */
#define BLOCK 512
/* Headers and padding that a tar may have for each entry, beside the content. */
#define ENTRY_OVERHEAD 8192

/* ---- the file -------------------------------------------------------------------------------- */

static bool is_layer(const struct feed *f)
{
	return f->task->sort == STORE_SORT_LAYER;
}

static ssize_t read_file(struct feed *f)
{
	ssize_t n;

	do
		n = read(f->task->archive, f->block, BLOCK_SIZE);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		f->read += (uint64_t)n;
		if (is_layer(f))
			sha256_update(&f->blob, (size_t)n, f->block);
	}
	return n;
}

static la_ssize_t give_file(struct archive *a, void *arg, const void **ret)
{
	struct feed *f = arg;
	ssize_t n = read_file(f);

	if (n < 0)
		archive_set_error(a, errno, "cannot be read");
	*ret = f->block;
	return n;
}

/* ---- what is in it --------------------------------------------------------------------------- */

static int check_size(struct feed *f)
{
	const struct store_limits *l = f->task->limits;

	if (f->plain > l->bytes && f->plain - l->bytes > l->entries * ENTRY_OVERHEAD)
		return err_set(&f->err, "more than %llu bytes when decompressed",
			       (unsigned long long)l->bytes);
	if (l->ratio && f->plain > l->ratio_from && f->plain / l->ratio > f->read)
		return err_set(
			&f->err,
			"more than %llu times as large when decompressed: this looks like a bomb (if it is "
			"none, import the image uncompressed)",
			(unsigned long long)l->ratio);
	return 0;
}

/* Returns the length of the next piece of the tar, 0 at its end, -1 on error. */
static la_ssize_t next_plain(struct feed *f, const void **ret)
{
	size_t size = 0;
	int64_t at;
	int rc;

	if (f->empty)
		return 0;
	do
		rc = archive_read_data_block(f->raw, ret, &size, &at);
	while (rc == ARCHIVE_OK && !size);
	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc < ARCHIVE_WARN)
		return -1;
	f->plain += size;
	if (is_layer(f))
		sha256_update(&f->content, size, *ret);
	return check_size(f) < 0 ? -1 : (la_ssize_t)size;
}

/*
 * Some tools leave out the zeros that fill the last block (umoci 0.4.7 insert), and those who read with Go do not mind. Only
 * where the digest says that this is how the layer was made.
 */
static la_ssize_t give_padding(struct feed *f, const void **ret)
{
	static const char zeros[BLOCK] = { 0 };
	size_t n = (BLOCK - f->plain % BLOCK) % BLOCK;

	if (!f->task->content || f->padded)
		return 0;
	f->padded = true;
	*ret = zeros;
	return (la_ssize_t)n;
}

static la_ssize_t give_plain(struct archive *a, void *arg, const void **ret)
{
	struct feed *f = arg;
	la_ssize_t n = next_plain(f, ret);

	if (!n)
		n = give_padding(f, ret);
	if (n < 0)
		archive_set_error(a, EIO, "%s",
				  f->err.text[0] ? f->err.text : archive_error_string(f->raw));
	return n;
}

int feed_fail(const struct feed *f, const char *path, struct err *err)
{
	const char *why = archive_error_string(f->tar);

	if (f->err.text[0])
		return err_set(err, "%s", f->err.text);
	if (!why)
		why = archive_error_string(f->raw);
	return err_set(err, "'%.300s': %s", path, why ? why : "cannot be read");
}

/* ---- begin and end --------------------------------------------------------------------------- */

/* For a filter that this libarchive lacks it starts a program: confined, that fails. */
static void add_filters(struct feed *f)
{
	archive_read_support_filter_gzip(f->raw);
	archive_read_support_filter_bzip2(f->raw);
	archive_read_support_filter_xz(f->raw);
	archive_read_support_filter_zstd(f->raw);
	/* No image has these. The first is recognised by little, so that it could be anything else. */
	if (f->task->sort == STORE_SORT_ROOTFS) {
		archive_read_support_filter_lzma(f->raw);
		archive_read_support_filter_lz4(f->raw);
	}
}

int feed_open(struct feed *f, const struct store_task *task, struct err *err)
{
	struct archive_entry *e;
	int rc;

	*f = (struct feed){ .task = task, .raw = archive_read_new(), .tar = archive_read_new() };
	if (!f->raw || !f->tar)
		return err_sys(err, ENOMEM, "archive");
	f->block = xcalloc(1, BLOCK_SIZE);
	sha256_init(&f->blob);
	sha256_init(&f->content);
	add_filters(f);
	if (archive_read_support_format_raw(f->raw) < ARCHIVE_WARN ||
	    archive_read_support_format_empty(f->raw) < ARCHIVE_WARN ||
	    archive_read_open(f->raw, f, NULL, give_file, NULL) < ARCHIVE_WARN)
		return feed_fail(f, "archive", err);
	/* Empty is told apart later, by there being no entry. */
	rc = archive_read_next_header(f->raw, &e);
	if (rc < ARCHIVE_WARN)
		return feed_fail(f, "archive", err);
	f->empty = rc == ARCHIVE_EOF;
	if (archive_read_support_format_tar(f->tar) < ARCHIVE_WARN ||
	    archive_read_support_format_empty(f->tar) < ARCHIVE_WARN ||
	    archive_read_open(f->tar, f, NULL, give_plain, NULL) < ARCHIVE_WARN)
		return feed_fail(f, "archive", err);
	return 0;
}

static void hex(const uint8_t *sum, char ret[FEED_DIGEST_SIZE])
{
	for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++)
		snprintf(ret + 2 * i, 3, "%02x", sum[i]);
}

static int compare(const char *what, const char *wanted, const char *found, struct err *err)
{
	if (!wanted || !strcmp(wanted, found))
		return 0;
	return err_set(
		err,
		"%s has the digest sha256:%s, but the image says sha256:%s: it is damaged or was changed",
		what, found, wanted);
}

int feed_finish(struct feed *f, char ret[FEED_DIGEST_SIZE], struct err *err)
{
	uint8_t sum[SHA256_DIGEST_SIZE];
	char blob[FEED_DIGEST_SIZE];
	const void *data;
	ssize_t n;

	while ((n = next_plain(f, &data)) > 0)
		;
	while (n >= 0 && (n = read_file(f)) > 0)
		;
	if (n < 0)
		return feed_fail(f, "archive", err);
	sha256_digest(&f->blob, sizeof(sum), sum);
	hex(sum, blob);
	sha256_digest(&f->content, sizeof(sum), sum);
	hex(sum, ret);
	if (compare("the blob", f->task->blob, blob, err) < 0)
		return -1;
	return compare("the tar in the blob", f->task->content, ret, err);
}

void feed_fini(struct feed *f)
{
	archive_read_free(f->tar);
	archive_read_free(f->raw);
	free(f->block);
	f->tar = f->raw = NULL;
	f->block = NULL;
}

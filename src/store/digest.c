/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * digest: SHA-256 of a file's content, read once. The file images/.digests remembers, one line
 * each, what the digest of a file was that had this device, inode, size and these times. Losing a
 * line (two writers, a crash) costs reading the file again and nothing else. Called by busybox.c
 * and rootfs.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

#define INDEX	    ".digests"
#define INDEX_LINES 256
#define INDEX_MAX   (64u << 10)
#define KEY_SIZE    128

static void key_of(const struct stat *st, char ret[KEY_SIZE])
{
	snprintf(ret, KEY_SIZE,
		 "%" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 ".%09ld %" PRIx64 ".%09ld ",
		 (uint64_t)st->st_dev, (uint64_t)st->st_ino, (uint64_t)st->st_size,
		 (uint64_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (uint64_t)st->st_ctim.tv_sec,
		 st->st_ctim.tv_nsec);
}

static bool index_find(const char *text, const char *key, char ret[STORE_DIGEST_SIZE])
{
	size_t len = strlen(key);

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, key, len) ||
		    strspn(line + len, "0123456789abcdef") != STORE_DIGEST_SIZE - 1)
			continue;
		memcpy(ret, line + len, STORE_DIGEST_SIZE - 1);
		ret[STORE_DIGEST_SIZE - 1] = '\0';
		return true;
	}
	return false;
}

/* The new line comes first; the oldest ones fall off at the end. */
static void index_add(const struct store *s, const char *old, const char *key, const char *digest)
{
	struct buf text = { 0 };
	const char *line = old;

	buf_printf(&text, "%s%s\n", key, digest);
	for (int n = 1; *line && n < INDEX_LINES; n++) {
		size_t len = strcspn(line, "\n");

		buf_add(&text, line, len + (line[len] == '\n'));
		line += len + (line[len] == '\n');
	}
	/* An index that cannot be written only makes the next time slower. */
	(void)file_replace(s->images, INDEX, text.data, text.len, 0600);
	buf_fini(&text);
}

static int digest_of(int fd, char ret[STORE_DIGEST_SIZE])
{
	_cleanup_free_ uint8_t *block = xcalloc(1, 1 << 18);
	uint8_t sum[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;
	off_t at = 0;
	ssize_t n;

	sha256_init(&ctx);
	while ((n = pread(fd, block, 1 << 18, at)) > 0) {
		sha256_update(&ctx, (size_t)n, block);
		at += n;
	}
	if (n < 0)
		return -1;
	sha256_digest(&ctx, sizeof(sum), sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(ret + 2 * i, 3, "%02x", sum[i]);
	return 0;
}

int store_digest(const struct store *s, int fd, char ret[STORE_DIGEST_SIZE], struct err *err)
{
	char key[KEY_SIZE], again[KEY_SIZE];
	struct buf index = { 0 };
	struct stat st;
	int rc = -1;

	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "store: look at the file");
	if (!S_ISREG(st.st_mode))
		return err_sys(err, EINVAL, "store: not a regular file");
	key_of(&st, key);
	(void)file_read(s->images, INDEX, INDEX_MAX, &index);
	if (index_find(buf_str(&index), key, ret)) {
		rc = 0;
		goto out;
	}
	if (digest_of(fd, ret) < 0 || fstat(fd, &st) < 0) {
		err_sys(err, errno, "store: read the file");
		goto out;
	}
	key_of(&st, again);
	if (strcmp(key, again)) {
		err_sys(err, EBUSY, "store: the file was changed while it was read");
		goto out;
	}
	index_add(s, buf_str(&index), key, ret);
	rc = 0;
out:
	buf_fini(&index);
	return rc;
}

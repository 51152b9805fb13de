/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unpack: a tar becomes a tree in the working directory. Called by main.c after the process was
 * confined; libarchive is told to refuse what leads outside all the same, because then the user
 * learns that his archive is a hostile one.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "store/program/unpack.h"
#include "store/unpacker.h"

#define BLOCK_SIZE  (256u << 10)
#define PROGRESS_MS 1000
/* After so many notes there is only their number. */
#define NOTES_MAX  10
#define XATTRS_MAX 64

#define EXTRACT_FLAGS                                                          \
	(ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | \
	 ARCHIVE_EXTRACT_XATTR | ARCHIVE_EXTRACT_SECURE_SYMLINKS |             \
	 ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS)

struct unpack {
	struct archive *in, *disk;
	int out;
	const struct store_limits *limits;
	uint64_t bytes, entries, notes;
	uint64_t told_at; /* time of the last line of progress */
};

void store_say(int out, const char *fmt, ...)
{
	char line[UNPACKER_LINE_MAX + 2];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, UNPACKER_LINE_MAX + 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (n > UNPACKER_LINE_MAX)
		n = UNPACKER_LINE_MAX;
	for (int i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[n] = '\n';
	/* A parent that listens no more is about to be gone, and we with it. */
	(void)!write(out, line, (size_t)n + 1);
}

static void note(struct unpack *u, const char *path, const char *what)
{
	if (u->notes++ < NOTES_MAX)
		store_say(u->out, UNPACKER_NOTE "'%.300s': %s", path, what);
}

static void progress(struct unpack *u)
{
	uint64_t now = time_mono_ms();
	char size[32];

	if (now - u->told_at < PROGRESS_MS)
		return;
	u->told_at = now;
	size_format(u->bytes, size, sizeof(size));
	store_say(u->out, "unpacked %llu entries, %s", (unsigned long long)u->entries, size);
}

/* libarchive's own words, which name the path mostly only for the disk side. */
static int fail(struct archive *a, const char *path, struct err *err)
{
	const char *why = archive_error_string(a);

	return err_sys(err, archive_errno(a) == ENOSPC ? ENOSPC : 0, "'%.300s': %s", path,
		       why ? why : "cannot be unpacked");
}

/* ---- one entry ------------------------------------------------------------------------------- */

/*
 * Attributes of users only: what is in security and trusted speaks to the kernel, and would let
 * an archive give itself capabilities or overlay marks. user.overlay is the same for overlays of
 * user namespaces.
 */
static bool attribute_wanted(const char *name)
{
	return !strncmp(name, "user.", 5) && strncmp(name, "user.overlay.", 13);
}

static void filter_attributes(struct unpack *u, struct archive_entry *e, const char *path)
{
	struct {
		char *name;
		void *value;
		size_t size;
	} kept[XATTRS_MAX];
	const void *value;
	const char *name;
	size_t n = 0, size;

	if (!archive_entry_xattr_reset(e))
		return;
	while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
		if (!attribute_wanted(name) || n == XATTRS_MAX) {
			note(u, path, "extended attribute left out");
			continue;
		}
		kept[n].name = xstrdup(name);
		kept[n].value = memcpy(xcalloc(1, size + 1), value, size);
		kept[n++].size = size;
	}
	archive_entry_xattr_clear(e);
	while (n--) {
		archive_entry_xattr_add_entry(e, kept[n].name, kept[n].value, kept[n].size);
		free(kept[n].name);
		free(kept[n].value);
	}
}

/* 1 wanted, 0 left out with a note, -1 refused. */
static int judge(struct unpack *u, struct archive_entry *e, const char *path, struct err *err)
{
	if (++u->entries > u->limits->entries)
		return err_set(err, "more than %llu entries",
			       (unsigned long long)u->limits->entries);
	if (!path)
		return err_set(err, "entry %llu has a name that is not UTF-8",
			       (unsigned long long)u->entries);
	if (strlen(path) >= PATH_MAX)
		return err_set(err, "'%.100s...': name is longer than %d bytes", path,
			       PATH_MAX - 1);
	if (archive_entry_size(e) < 0 ||
	    (uint64_t)archive_entry_size(e) > u->limits->bytes - u->bytes)
		return err_set(err, "'%.300s': more than %llu bytes of content", path,
			       (unsigned long long)u->limits->bytes);
	/* A hard link has no type of its own. */
	if (archive_entry_hardlink(e))
		return 1;
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
	case AE_IFDIR:
	case AE_IFLNK:
	case AE_IFIFO:
		return 1;
	case AE_IFCHR:
	case AE_IFBLK:
		note(u, path, "device node left out (a container gets its /dev from mstack)");
		return 0;
	default:
		note(u, path, "left out: of a type that no root file system has");
		return 0;
	}
}

static int copy_content(struct unpack *u, const char *path, struct err *err)
{
	const void *data;
	int64_t at;
	size_t size;
	int rc;

	while ((rc = archive_read_data_block(u->in, &data, &size, &at)) != ARCHIVE_EOF) {
		if (rc < ARCHIVE_WARN)
			return fail(u->in, path, err);
		u->bytes += size;
		if (u->bytes > u->limits->bytes)
			return err_set(err, "'%.300s': more than %llu bytes of content", path,
				       (unsigned long long)u->limits->bytes);
		if (archive_write_data_block(u->disk, data, size, at) < ARCHIVE_WARN)
			return fail(u->disk, path, err);
		progress(u);
	}
	return 0;
}

static int put_entry(struct unpack *u, struct archive_entry *e, const char *path, struct err *err)
{
	int rc;

	filter_attributes(u, e, path);
	archive_entry_acl_clear(e);
	rc = archive_write_header(u->disk, e);
	if (rc < ARCHIVE_WARN)
		return fail(u->disk, path, err);
	if (rc == ARCHIVE_WARN)
		note(u, path, archive_error_string(u->disk));
	if (archive_entry_size(e) > 0 && copy_content(u, path, err) < 0)
		return -1;
	rc = archive_write_finish_entry(u->disk);
	if (rc < ARCHIVE_WARN)
		return fail(u->disk, path, err);
	if (rc == ARCHIVE_WARN)
		note(u, path, archive_error_string(u->disk));
	return 0;
}

/* ---- the archive ----------------------------------------------------------------------------- */

static int each_entry(struct unpack *u, struct err *err)
{
	struct archive_entry *e;
	int rc;

	while ((rc = archive_read_next_header(u->in, &e)) != ARCHIVE_EOF) {
		_cleanup_free_ char *path = NULL;
		int wanted;

		if (rc < ARCHIVE_WARN)
			return fail(u->in, "archive", err);
		/* libarchive cleans the name in the entry while it writes. */
		path = archive_entry_pathname(e) ? xstrdup(archive_entry_pathname(e)) : NULL;
		wanted = judge(u, e, path, err);
		if (wanted < 0 || (wanted && put_entry(u, e, path, err) < 0))
			return -1;
		progress(u);
	}
	if (!u->entries)
		return err_set(err, "the archive is empty");
	/* Times and modes of folders come last. */
	return archive_write_close(u->disk) < ARCHIVE_WARN ? fail(u->disk, "archive", err) : 0;
}

static int open_all(struct unpack *u, int archive, struct err *err)
{
	static int (*const filters[])(struct archive *) = {
		archive_read_support_filter_gzip, archive_read_support_filter_bzip2,
		archive_read_support_filter_xz,	  archive_read_support_filter_lzma,
		archive_read_support_filter_zstd, archive_read_support_filter_lz4,
	};

	if (!u->in || !u->disk)
		return err_sys(err, ENOMEM, "archive");
	/* For a filter that this libarchive lacks it starts a program: confined, that fails. */
	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		(void)filters[i](u->in);
	if (archive_write_disk_set_options(u->disk, EXTRACT_FLAGS) < ARCHIVE_WARN)
		return fail(u->disk, "archive", err);
	if (archive_read_support_format_tar(u->in) < ARCHIVE_WARN ||
	    archive_read_open_fd(u->in, archive, BLOCK_SIZE) < ARCHIVE_WARN)
		return fail(u->in, "archive", err);
	return 0;
}

int store_unpack(int archive, int out, const struct store_limits *limits, struct buf *ret,
		 struct err *err)
{
	struct unpack u = {
		.in = archive_read_new(),
		.disk = archive_write_disk_new(),
		.out = out,
		.limits = limits,
		.told_at = time_mono_ms(),
	};
	char size[32];
	int rc;

	rc = open_all(&u, archive, err) < 0 ? -1 : each_entry(&u, err);
	size_format(u.bytes, size, sizeof(size));
	if (!rc)
		buf_printf(ret, "unpacked %llu entries, %s", (unsigned long long)u.entries, size);
	if (!rc && u.notes)
		buf_printf(ret, ", with %llu notes", (unsigned long long)u.notes);
	archive_write_free(u.disk);
	archive_read_free(u.in);
	return rc;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unpack: a tar becomes a tree in the working directory. Called by main.c after the process was
 * confined; libarchive is told to refuse what leads outside all the same, because then the user
 * learns that his archive is a hostile one.
 */
#include <archive.h>
#include <archive_entry.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/program/feed.h"
#include "store/program/whiteout.h"
#include "store/unpacker.h"

#define PROGRESS_MS    1000
#define PROGRESS_AT_MS 100
/* After so many notes there is only their number. */
#define NOTES_MAX  10
#define XATTRS_MAX 64
/* Above that are numbers of libarchive's own. */
#define ERRNO_MAX 4096
#define ID_NOBODY 65534

#define SECURE_FLAGS                                                         \
	(ARCHIVE_EXTRACT_SECURE_SYMLINKS | ARCHIVE_EXTRACT_SECURE_NODOTDOT | \
	 ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS)
#define EXTRACT_FLAGS                                                          \
	(ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | \
	 ARCHIVE_EXTRACT_XATTR | SECURE_FLAGS)

struct unpack {
	const struct store_task *task;
	struct feed feed;
	struct whiteouts whiteouts;
	struct archive *disk;
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
		store_say(u->task->out, UNPACKER_NOTE "'%.300s': %s", path, what);
}

/* For a layer in numbers: who started us knows how much there is in all. */
static void progress(struct unpack *u)
{
	bool numbers = u->task->sort != STORE_SORT_ROOTFS;
	uint64_t now = time_mono_ms();
	char size[32];

	if (now - u->told_at < (numbers ? PROGRESS_AT_MS : PROGRESS_MS))
		return;
	u->told_at = now;
	size_format(u->bytes, size, sizeof(size));
	if (numbers)
		store_say(u->task->out, UNPACKER_AT "%llu", (unsigned long long)u->feed.read);
	else
		store_say(u->task->out, "unpacked %llu entries, %s", (unsigned long long)u->entries,
			  size);
}

/* libarchive's own words about the disk. */
static int fail(const struct unpack *u, const char *path, struct err *err)
{
	const char *why = archive_error_string(u->disk);

	int sys = archive_errno(u->disk);

	/* A file of a copy has another name while it is written. */
	if (u->task->sort == STORE_SORT_COPY && sys > 0 && sys < ERRNO_MAX)
		return err_sys(err, sys, "'%.300s': cannot be written", path);
	return err_sys(err, sys > 0 && sys < ERRNO_MAX ? sys : 0, "'%.300s': %s", path,
		       why ? why : "cannot be unpacked");
}

/* ---- one entry ------------------------------------------------------------------------------- */

/* The form that is bound to no user namespace; the kernel adds the one that it is used in. */
static bool is_file_capability(const char *name, const void *value, size_t size)
{
	uint32_t magic;

	if (strcmp(name, "security.capability") || size != XATTR_CAPS_SZ_2)
		return false;
	memcpy(&magic, value, sizeof(magic));
	return (le32toh(magic) & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_2;
}

/*
 * Attributes of users, and in layers the capabilities of files, which count in the container's own user namespace only.
 * What else is in security and trusted speaks to the kernel, and would let an archive give itself overlay marks.
 * user.overlay is the same for overlays of user namespaces.
 */
static bool attribute_wanted(const struct unpack *u, const char *name, const void *value,
			     size_t size)
{
	bool keeps = u->task->sort == STORE_SORT_LAYER || u->task->set_id;

	if (u->task->sort == STORE_SORT_COPY && !u->task->owners)
		return false;
	if (keeps && is_file_capability(name, value, size))
		return true;
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
		if (!attribute_wanted(u, name, value, size) || n == XATTRS_MAX) {
			if (u->task->sort != STORE_SORT_COPY || u->task->owners)
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

static int clean_refused(const char *path, const char *why, struct err *err)
{
	return err_set(err, "'%.300s': %s", path, why);
}

int store_clean_path(const char *path, char ret[PATH_MAX], struct err *err)
{
	size_t n = 0;

	if (strlen(path) >= PATH_MAX)
		return err_set(err, "'%.100s...': name is longer than %d bytes", path,
			       PATH_MAX - 1);
	if (*path == '/')
		return clean_refused(path, "is an absolute path: it would lead outside", err);
	while (*path) {
		size_t len = strcspn(path, "/");

		if (len == 2 && !memcmp(path, "..", 2))
			return clean_refused(path, "has '..' in it: it would lead outside", err);
		if (len > NAME_MAX)
			return err_set(err, "'%.100s...': name is longer than %d bytes", path,
				       NAME_MAX);
		if (len && !(len == 1 && *path == '.')) {
			if (n)
				ret[n++] = '/';
			memcpy(ret + n, path, len);
			n += len;
		}
		path += len + (path[len] == '/');
	}
	ret[n] = '\0';
	return 0;
}

static int check_limits(struct unpack *u, struct archive_entry *e, const char *path,
			struct err *err)
{
	const struct store_limits *l = u->task->limits;

	if (++u->entries > l->entries)
		return err_set(err, "more than %llu entries", (unsigned long long)l->entries);
	if (!path)
		return err_set(err, "entry %llu has a name that is not UTF-8",
			       (unsigned long long)u->entries);
	if (archive_entry_size(e) < 0 || (uint64_t)archive_entry_size(e) > l->bytes - u->bytes)
		return err_set(err, "'%.300s': more than %llu bytes of content", path,
			       (unsigned long long)l->bytes);
	return 0;
}

static bool type_wanted(struct unpack *u, struct archive_entry *e, const char *path)
{
	/* A hard link has no type of its own. */
	if (archive_entry_hardlink(e))
		return true;
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
	case AE_IFDIR:
	case AE_IFLNK:
		return true;
	case AE_IFIFO:
		return u->task->sort != STORE_SORT_ARCHIVE;
	case AE_IFCHR:
	case AE_IFBLK:
		note(u, path, "device node left out (a container gets its /dev from mstack)");
		return false;
	default:
		note(u, path, "left out: of a type that no root file system has");
		return false;
	}
}

/* An ordinary user may have fewer ids, down to his own: then all that has no owner here is root's, and that was said before. */
static void squash_owner(struct unpack *u, struct archive_entry *e, const char *path)
{
	(void)path;
	if (archive_entry_uid(e) < 0 || archive_entry_uid(e) >= u->task->ids)
		archive_entry_set_uid(e, 0);
	if (archive_entry_gid(e) < 0 || archive_entry_gid(e) >= u->task->ids)
		archive_entry_set_gid(e, 0);
}

static void clamp_owner(struct unpack *u, struct archive_entry *e, const char *path)
{
	bool uid = archive_entry_uid(e) < 0 || archive_entry_uid(e) > UNPACKER_ID_MAX;
	bool gid = archive_entry_gid(e) < 0 || archive_entry_gid(e) > UNPACKER_ID_MAX;

	if (uid)
		archive_entry_set_uid(e, ID_NOBODY);
	if (gid)
		archive_entry_set_gid(e, ID_NOBODY);
	if (uid || gid)
		note(u, path,
		     "belongs to an id above 65535, which no container has: 65534 instead");
}

static int copy_content(struct unpack *u, const char *path, struct err *err)
{
	const struct store_limits *l = u->task->limits;
	const void *data;
	int64_t at;
	size_t size;
	int rc;

	while ((rc = archive_read_data_block(u->feed.tar, &data, &size, &at)) != ARCHIVE_EOF) {
		if (rc < ARCHIVE_WARN)
			return feed_fail(&u->feed, path, err);
		u->bytes += size;
		if (u->bytes > l->bytes)
			return err_set(err, "'%.300s': more than %llu bytes of content", path,
				       (unsigned long long)l->bytes);
		/* A write that failed, for want of room say, is no more than a warning to libarchive. */
		if (archive_write_data_block(u->disk, data, size, at) < ARCHIVE_OK)
			return fail(u, path, err);
		progress(u);
	}
	return 0;
}

/*
 * What is in the folder is not the archive's: a folder is not replaced by what is none, nor the other way round. With whom runs
 * as the owner: only from where that was asked for.
 */
static int prepare_copy(struct unpack *u, struct archive_entry *e, const char *path,
			struct err *err)
{
	const struct store_task *t = u->task;
	bool folder = archive_entry_filetype(e) == AE_IFDIR && !archive_entry_hardlink(e);
	size_t len = strlen(t->as);
	struct stat st;

	if (strcmp(t->as, ".") && (strncmp(path, t->as, len) || (path[len] && path[len] != '/')))
		return err_set(err, "'%.300s': is not below '%.100s'", path, t->as);
	if (*path && !lstat(path, &st) && S_ISDIR(st.st_mode) != folder)
		return err_set(err,
			       folder ? "'%.300s': is there and is no folder"
				      : "'%.300s': is there and is a folder",
			       path);
	if (t->set_id || folder || !(archive_entry_perm(e) & (S_ISUID | S_ISGID)))
		return 0;
	archive_entry_set_perm(e, archive_entry_perm(e) & ~(mode_t)(S_ISUID | S_ISGID));
	note(u, path, "would run as its owner or group for whoever executes it: that is left out");
	return 0;
}

/* Beside `path`, and short, so that every name that fits has room for it. */
static int temporary_name(const char *path, char ret[PATH_MAX], struct err *err)
{
	const char *slash = strrchr(path, '/');
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return err_sys(err, errno, "random numbers");
	if (snprintf(ret, PATH_MAX, "%.*s.mstack-copy-%016llx", slash ? (int)(slash - path) + 1 : 0,
		     path, (unsigned long long)number) >= PATH_MAX)
		return err_sys(err, ENAMETOOLONG, "'%.300s'", path);
	return 0;
}

static int put_body(struct unpack *u, struct archive_entry *e, const char *path, struct err *err)
{
	int rc = archive_write_header(u->disk, e);
	if (rc < ARCHIVE_WARN)
		return fail(u, path, err);
	if (rc == ARCHIVE_WARN)
		note(u, path, archive_error_string(u->disk));
	if (archive_entry_size(e) > 0 && copy_content(u, path, err) < 0)
		return -1;
	rc = archive_write_finish_entry(u->disk);
	if (rc < ARCHIVE_WARN)
		return fail(u, path, err);
	if (rc == ARCHIVE_WARN)
		note(u, path, archive_error_string(u->disk));
	return 0;
}

static int put_entry(struct unpack *u, struct archive_entry *e, const char *path, struct err *err)
{
	bool whole = u->task->sort == STORE_SORT_COPY && !archive_entry_hardlink(e) &&
		     archive_entry_filetype(e) == AE_IFREG;
	char temporary[PATH_MAX];

	filter_attributes(u, e, path);
	if (u->task->sort != STORE_SORT_COPY)
		(u->task->ids ? squash_owner : clamp_owner)(u, e, path);
	archive_entry_acl_clear(e);
	if (whole && temporary_name(path, temporary, err) < 0)
		return -1;
	archive_entry_set_pathname(e, whole ? temporary : *path ? path : ".");
	if (put_body(u, e, path, err) < 0) {
		if (whole)
			unlink(temporary);
		return -1;
	}
	/* What stands there goes when the new one is whole. */
	if (whole && rename(temporary, path) < 0)
		return err_sys(err, errno, "'%.300s'", path);
	return 0;
}

static int take_entry(struct unpack *u, struct archive_entry *e, struct err *err)
{
	const char *said = archive_entry_pathname(e);
	char path[PATH_MAX];
	bool folder;

	if (check_limits(u, e, said, err) < 0 || store_clean_path(said, path, err) < 0)
		return -1;
	if (u->task->sort == STORE_SORT_LAYER) {
		int rc = whiteout_take(&u->whiteouts, path, err);

		if (rc)
			return rc < 0 ? -1 : 0;
	}
	if (!type_wanted(u, e, path))
		return 0;
	folder = archive_entry_filetype(e) == AE_IFDIR && !archive_entry_hardlink(e);
	if (whiteout_make_way(&u->whiteouts, path, folder, err) < 0)
		return -1;
	if (u->task->sort == STORE_SORT_COPY) {
		/* The folder itself is there, and stays as it is. */
		if (!*path)
			return 0;
		if (prepare_copy(u, e, path, err) < 0)
			return -1;
	}
	return put_entry(u, e, path, err);
}

/* ---- the archive ----------------------------------------------------------------------------- */

static int each_entry(struct unpack *u, struct err *err)
{
	struct archive_entry *e;
	int rc;

	while ((rc = archive_read_next_header(u->feed.tar, &e)) != ARCHIVE_EOF) {
		if (rc < ARCHIVE_WARN)
			return feed_fail(&u->feed, "archive", err);
		if (take_entry(u, e, err) < 0)
			return -1;
		progress(u);
	}
	/* A layer may change nothing but the image's configuration. */
	if (!u->entries && u->task->sort != STORE_SORT_LAYER)
		return err_set(err, "the archive is empty");
	/* Times and modes of folders come last. */
	return archive_write_close(u->disk) < ARCHIVE_WARN ? fail(u, "archive", err) : 0;
}

static int open_disk(struct unpack *u, struct err *err)
{
	int flags = u->task->sort == STORE_SORT_ARCHIVE ? SECURE_FLAGS : EXTRACT_FLAGS;

	if (u->task->sort == STORE_SORT_COPY && !u->task->owners)
		flags &= ~ARCHIVE_EXTRACT_OWNER;
	u->disk = archive_write_disk_new();
	if (!u->disk)
		return err_sys(err, ENOMEM, "archive");
	return archive_write_disk_set_options(u->disk, flags) < ARCHIVE_WARN
		       ? fail(u, "archive", err)
		       : 0;
}

/* What a layer is named by, and how large it is. */
static int finish(struct unpack *u, struct err *err)
{
	char digest[FEED_DIGEST_SIZE];

	if (u->task->sort != STORE_SORT_LAYER)
		return 0;
	if (feed_finish(&u->feed, digest, err) < 0)
		return -1;
	store_say(u->task->out, UNPACKER_LAYER "%s %llu", digest, (unsigned long long)u->bytes);
	return 0;
}

int store_unpack(const struct store_task *task, struct buf *ret, struct err *err)
{
	struct unpack u = { .task = task,
			    .told_at = time_mono_ms(),
			    .whiteouts.marks = task->marks };
	char size[32];
	int rc = feed_open(&u.feed, task, err);

	if (!rc && (open_disk(&u, err) < 0 || each_entry(&u, err) < 0 || finish(&u, err) < 0))
		rc = -1;
	size_format(u.bytes, size, sizeof(size));
	if (!rc)
		buf_printf(ret, "unpacked %llu entries, %s", (unsigned long long)u.entries, size);
	if (!rc && u.notes)
		buf_printf(ret, ", with %llu notes", (unsigned long long)u.notes);
	archive_write_free(u.disk);
	feed_fini(&u.feed);
	return rc;
}

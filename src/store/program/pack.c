/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pack: see pack.h. Called by main.c after the process was confined. Others may change the tree meanwhile, and mean harm: each
 * name is used alone, relative to the descriptor of its folder, links are not followed, and what a file is is asked of the
 * descriptor that is read.
 */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <uthash.h>

#include "store/program/pack.h"
#include "store/unpacker.h"

#define BLOCK_SIZE  (512u << 10)
#define PROGRESS_MS 100
#define NOTES_MAX   10
#define XATTRS_MAX  65536
#define DIR_FLAGS   (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FILE_FLAGS  (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202
#endif

/* A file that has several names, by the first of them. */
struct seen {
	char id[40]; /* device and inode */
	char *path;
	UT_hash_handle hh;
};

struct pack {
	const struct store_task *task;
	struct archive *tar;
	struct buf path; /* in the tar, of what is being packed */
	struct seen *seen;
	char *block, *names, *value;
	uint64_t bytes, entries, notes, told_at;
};

/* ---- words ----------------------------------------------------------------------------------- */

static void note(struct pack *p, const char *what)
{
	if (p->notes++ < NOTES_MAX)
		store_say(p->task->out, UNPACKER_NOTE "'%.300s': %s", buf_str(&p->path), what);
}

static void progress(struct pack *p)
{
	uint64_t now = time_mono_ms();

	if (now - p->told_at < PROGRESS_MS)
		return;
	p->told_at = now;
	store_say(p->task->out, UNPACKER_AT "%llu", (unsigned long long)p->bytes);
}

static int fail_sys(const struct pack *p, const char *what, struct err *err)
{
	return err_sys(err, errno, "%s '%.300s'", what, buf_str(&p->path));
}

static int fail_write(const struct pack *p, struct err *err)
{
	int why = archive_errno(p->tar);

	if (why == EPIPE)
		return err_sys(err, EPIPE, UNPACKER_DEAF);
	return err_set(err, "'%.300s': %s", buf_str(&p->path), archive_error_string(p->tar));
}

/* Of a tree that lives: what is gone is left out, but not what was asked for itself. */
static int gone(struct pack *p, const char *what, struct err *err)
{
	if (p->entries && (errno == ENOENT || errno == ESTALE))
		return 0;
	return fail_sys(p, what, err);
}

/* ---- heads ----------------------------------------------------------------------------------- */

static struct archive_entry *head_of(struct pack *p, const struct stat *st)
{
	struct archive_entry *e = archive_entry_new2(p->tar);

	if (!e)
		abort(); /* no memory */
	archive_entry_copy_pathname(e, buf_str(&p->path));
	archive_entry_set_mode(e, st->st_mode);
	archive_entry_set_uid(e, st->st_uid);
	archive_entry_set_gid(e, st->st_gid);
	archive_entry_set_mtime(e, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	archive_entry_set_size(e, S_ISREG(st->st_mode) ? st->st_size : 0);
	return e;
}

static int put_head(struct pack *p, struct archive_entry *e, struct err *err)
{
	int rc = archive_write_header(p->tar, e);

	archive_entry_free(e);
	p->entries++;
	progress(p);
	return rc < ARCHIVE_WARN ? fail_write(p, err) : 0;
}

/* What speaks of users, and the capabilities of files; the rest is the business of the system that it is on. */
static void add_xattrs(struct pack *p, int fd, struct archive_entry *e)
{
	ssize_t n = flistxattr(fd, p->names, XATTRS_MAX), len;

	for (const char *name = p->names; n > 0 && name < p->names + n; name += strlen(name) + 1) {
		if (strncmp(name, "user.", 5) && strcmp(name, "security.capability"))
			continue;
		len = fgetxattr(fd, name, p->value, XATTRS_MAX);
		if (len >= 0)
			archive_entry_xattr_add_entry(e, name, p->value, (size_t)len);
	}
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Data and holes, as the file system tells them; one that knows none has one piece of data. */
static void add_holes(int fd, off_t size, struct archive_entry *e)
{
	off_t at = 0, end;

	while (at < size && (at = lseek(fd, at, SEEK_DATA)) >= 0) {
		end = lseek(fd, at, SEEK_HOLE);
		if (end < 0 || (!at && end >= size))
			return;
		archive_entry_sparse_add_entry(e, at, (end < size ? end : size) - at);
		at = end;
	}
	/* Nothing but a hole is a piece without length at the end. */
	if (at < 0 && errno == ENXIO && !archive_entry_sparse_count(e) && size)
		archive_entry_sparse_add_entry(e, size, 0);
}

static int put_bytes(struct pack *p, size_t n, struct err *err)
{
	p->bytes += n;
	progress(p);
	return archive_write_data(p->tar, p->block, n) < 0 ? fail_write(p, err) : 0;
}

/*
 * As many as its head says. Holes are read as zeros, and left out by libarchive. One that became shorter is filled up:
 * whoever writes to it meanwhile gets no better copy from anybody.
 */
static int put_content(struct pack *p, int fd, off_t size, struct err *err)
{
	bool shorter = false;

	for (off_t at = 0; at < size;) {
		size_t want = size - at < (off_t)BLOCK_SIZE ? (size_t)(size - at) : BLOCK_SIZE;
		ssize_t n = shorter ? 0 : pread(fd, p->block, want, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_sys(p, "read", err);
		if (!n) {
			if (!shorter)
				note(p, "became shorter while it was read: filled up with zeros");
			shorter = true;
			memset(p->block, 0, want);
			n = (ssize_t)want;
		}
		if (put_bytes(p, (size_t)n, err) < 0)
			return -1;
		at += n;
	}
	return 0;
}

/* Its first name, when it has been packed; else NULL, and this is it. */
static const char *other_name(struct pack *p, const struct stat *st)
{
	struct seen *s;
	char id[sizeof(s->id)];

	if (st->st_nlink < 2)
		return NULL;
	snprintf(id, sizeof(id), "%llx-%llx", (unsigned long long)st->st_dev,
		 (unsigned long long)st->st_ino);
	HASH_FIND_STR(p->seen, id, s);
	if (s)
		return s->path;
	s = xcalloc(1, sizeof(*s));
	memcpy(s->id, id, sizeof(id));
	s->path = xstrdup(buf_str(&p->path));
	HASH_ADD_STR(p->seen, id, s);
	return NULL;
}

static int pack_file(struct pack *p, int dir, const char *name, struct err *err)
{
	_cleanup_fd_ int fd = openat(dir, name, FILE_FLAGS);
	struct archive_entry *e;
	const char *first;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return gone(p, "open", err);
	if (!S_ISREG(st.st_mode)) {
		errno = ESTALE; /* another thing by now */
		return gone(p, "open", err);
	}
	e = head_of(p, &st);
	first = other_name(p, &st);
	if (first) {
		archive_entry_set_size(e, 0);
		archive_entry_copy_hardlink(e, first);
		return put_head(p, e, err);
	}
	add_xattrs(p, fd, e);
	add_holes(fd, st.st_size, e);
	if (put_head(p, e, err) < 0)
		return -1;
	return put_content(p, fd, st.st_size, err);
}

static int pack_link(struct pack *p, int dir, const char *name, const struct stat *st,
		     struct err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);
	struct archive_entry *e;

	if (n < 0) {
		errno = errno == EINVAL ? ESTALE : errno;
		return gone(p, "read the link", err);
	}
	target[n] = '\0';
	e = head_of(p, st);
	archive_entry_copy_symlink(e, target);
	return put_head(p, e, err);
}

/* ---- folders --------------------------------------------------------------------------------- */

/* File systems that are no place for data: copies of what they show would be endless, or mean nothing. */
static bool is_kernels(int fd)
{
	static const uint64_t types[] = {
		PROC_SUPER_MAGIC, SYSFS_MAGIC,	  CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
		DEBUGFS_MAGIC,	  TRACEFS_MAGIC,  SECURITYFS_MAGIC,   DEVPTS_SUPER_MAGIC,
		BPF_FS_MAGIC,	  PSTOREFS_MAGIC, NSFS_MAGIC,	      MQUEUE_MAGIC,
		BINFMTFS_MAGIC,	  EFIVARFS_MAGIC,
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if ((uint64_t)fs.f_type == types[i])
			return true;
	return false;
}

static int pack_thing(struct pack *p, int dir, const char *name, struct err *err);

static int pack_below(struct pack *p, int fd, struct err *err)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0), rc = 0;
	_cleanup_closedir_ DIR *dir = own < 0 ? NULL : fdopendir(own);
	size_t len = p->path.len;
	const struct dirent *e;

	if (!dir) {
		cleanup_fd(&own);
		return fail_sys(p, "open", err);
	}
	while (!rc && (errno = 0, e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		buf_printf(&p->path, "/%s", e->d_name);
		if (p->path.len < PATH_MAX)
			rc = pack_thing(p, fd, e->d_name, err);
		else
			rc = err_set(err, "'%.100s...': the path is longer than %d bytes",
				     buf_str(&p->path), PATH_MAX - 1);
		buf_cut(&p->path, len);
	}
	return rc || !errno ? rc : fail_sys(p, "read", err);
}

static int pack_folder(struct pack *p, int dir, const char *name, struct err *err)
{
	_cleanup_fd_ int fd = openat(dir, name, DIR_FLAGS);
	struct archive_entry *e;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		errno = errno == ENOTDIR || errno == ELOOP ? ESTALE : errno;
		return gone(p, "open", err);
	}
	if (is_kernels(fd) && !p->entries)
		return err_set(err,
			       "'%.300s' shows the kernel's own state: read it with 'mstack exec'",
			       p->task->name);
	e = head_of(p, &st);
	add_xattrs(p, fd, e);
	if (put_head(p, e, err) < 0)
		return -1;
	if (!is_kernels(fd))
		return pack_below(p, fd, err);
	note(p, "left out what is in it: it shows the kernel's own state");
	return 0;
}

static int pack_thing(struct pack *p, int dir, const char *name, struct err *err)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return gone(p, "look at", err);
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return pack_file(p, dir, name, err);
	case S_IFDIR:
		return pack_folder(p, dir, name, err);
	case S_IFLNK:
		return pack_link(p, dir, name, &st, err);
	case S_IFIFO:
		return put_head(p, head_of(p, &st), err);
	default:
		if (!p->entries)
			return err_set(err,
				       "'%.300s' is a device or a socket: they cannot be copied",
				       p->task->name);
		note(p, "left out: devices and sockets are not copied");
		return 0;
	}
}

/* ---- all ------------------------------------------------------------------------------------- */

static la_ssize_t write_block(struct archive *a, void *arg, const void *data, size_t n)
{
	const struct pack *p = arg;

	if (fd_write_all(p->task->archive, data, n) < 0) {
		archive_set_error(a, errno, "write: %s", strerror(errno));
		return -1;
	}
	return (la_ssize_t)n;
}

static int open_tar(struct pack *p, struct err *err)
{
	p->tar = archive_write_new();
	if (!p->tar || archive_write_set_format_pax(p->tar) < ARCHIVE_WARN ||
	    archive_write_set_bytes_per_block(p->tar, BLOCK_SIZE) < ARCHIVE_WARN ||
	    archive_write_set_bytes_in_last_block(p->tar, 1) < ARCHIVE_WARN ||
	    archive_write_open(p->tar, p, NULL, write_block, NULL) < ARCHIVE_WARN)
		return err_set(err, "begin a tar: %s",
			       p->tar ? archive_error_string(p->tar) : "out of memory");
	return 0;
}

static void pack_fini(struct pack *p)
{
	struct seen *s, *next;

	HASH_ITER(hh, p->seen, s, next) {
		HASH_DEL(p->seen, s);
		free(s->path);
		free(s);
	}
	archive_write_free(p->tar);
	buf_fini(&p->path);
	free(p->block);
	free(p->names);
	free(p->value);
}

int store_pack(const struct store_task *task, struct buf *ret, struct err *err)
{
	struct pack p = { .task = task,
			  .told_at = time_mono_ms(),
			  .block = xcalloc(1, BLOCK_SIZE),
			  .names = xcalloc(1, XATTRS_MAX),
			  .value = xcalloc(1, XATTRS_MAX) };
	int rc = open_tar(&p, err);

	buf_puts(&p.path, task->as);
	if (!rc)
		rc = pack_thing(&p, AT_FDCWD, task->name, err);
	if (!rc && archive_write_close(p.tar) < ARCHIVE_WARN)
		rc = fail_write(&p, err);
	buf_printf(ret, "%llu entries", (unsigned long long)p.entries);
	pack_fini(&p);
	return rc;
}

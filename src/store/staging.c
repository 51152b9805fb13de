/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * staging: see remote.h. Blobs of registries between their arrival and their import. Several pulls may need the same one:
 * locks on the files say who is at it, and end with him however he ends. Called by pull.c and discard.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/catalog.h"
#include "store/remote.h"

#define FOLDER	  "downloads"
#define PART	  ".part"
#define DAY_S	  86400
#define NAME_SIZE (STORE_DIGEST_SIZE + sizeof(PART))
/* Of any age. A file that was just written may be newer than time() says: the kernel's clock of files is the finer one. */
#define EVER	  ((time_t)INT64_MAX)

/* ---- the folder ------------------------------------------------------------------------------ */

void store_staging_close(struct store_staging *st)
{
	cleanup_fd(&st->dir);
	cleanup_fd(&st->blobs);
}

static int open_folders(struct store_staging *st)
{
	st->dir = openat(st->store->fd, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (st->dir < 0)
		return -1;
	st->blobs = path_open_in(st->dir, "blobs/sha256", O_RDONLY | O_DIRECTORY, 0);
	return st->blobs < 0 ? -1 : 0;
}

int store_staging_open(const struct store *s, struct store_staging *ret, struct err *err)
{
	struct store_staging st = { .store = s, .dir = -1, .blobs = -1 };

	if (path_mkdirs(s->fd, FOLDER "/blobs/sha256", 0700) < 0 || open_folders(&st) < 0) {
		store_staging_close(&st);
		return err_sys(err, errno, "store: '%s/" FOLDER "'", s->dir);
	}
	store_staging_sweep(s, DAY_S, NULL);
	*ret = st;
	return 0;
}

/* Is the open file the one that has this name now? */
static bool is_still(const struct store_staging *st, const char *name, int fd)
{
	struct stat mine, theirs;

	return !fstat(fd, &mine) && !fstatat(st->blobs, name, &theirs, AT_SYMLINK_NOFOLLOW) &&
	       mine.st_dev == theirs.st_dev && mine.st_ino == theirs.st_ino;
}

static void sweep_one(const struct store_staging *st, const char *name, time_t before,
		      uint64_t *ret_bytes)
{
	_cleanup_fd_ int fd =
		openat(st->blobs, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat s;

	if (fd < 0 || fstat(fd, &s) < 0 || s.st_mtime > before ||
	    flock(fd, LOCK_EX | LOCK_NB) < 0 || !is_still(st, name, fd) ||
	    unlinkat(st->blobs, name, 0) < 0)
		return;
	if (ret_bytes)
		*ret_bytes += (uint64_t)s.st_size;
}

void store_staging_sweep(const struct store *s, uint64_t older_s, uint64_t *ret_bytes)
{
	struct store_staging st = { .store = s, .dir = -1, .blobs = -1 };
	int fd = open_folders(&st) < 0 ? -1 : fcntl(st.blobs, F_DUPFD_CLOEXEC, 0);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const time_t before = older_s ? time(NULL) - (time_t)older_s : EVER;
	const struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (*e->d_name != '.')
			sweep_one(&st, e->d_name, before, ret_bytes);
	store_staging_close(&st);
}

/* ---- one blob -------------------------------------------------------------------------------- */

static void part_name(const char *digest, char ret[NAME_SIZE])
{
	snprintf(ret, NAME_SIZE, "%s" PART, digest);
}

/* 1 it is whole, 0 it is not there. */
static int take_whole(const struct store_staging *st, struct store_staged *b)
{
	b->fd = openat(st->blobs, b->digest, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (b->fd < 0)
		return 0;
	/* Who removes it has the lock alone for a moment, and then it is gone. */
	if (!flock(b->fd, LOCK_SH) && is_still(st, b->digest, b->fd))
		return 1;
	cleanup_fd(&b->fd);
	return 0;
}

/* 0 it is ours, 2 another one's, 3 look again, -1. */
static int take_part(const struct store_staging *st, bool wait, struct store_staged *b)
{
	char name[NAME_SIZE];
	int rc = 0;

	part_name(b->digest, name);
	b->fd = openat(st->blobs, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		       0600);
	if (b->fd < 0)
		return -1;
	if (flock(b->fd, LOCK_EX | LOCK_NB) < 0)
		rc = errno == EWOULDBLOCK ? 2 : -1;
	/* Shared: who has fetched it goes on holding it until it is imported. */
	if (rc == 2 && wait)
		rc = flock(b->fd, LOCK_SH) < 0 ? -1 : 3;
	else if (!rc && !is_still(st, name, b->fd))
		rc = 3;
	if (rc)
		cleanup_fd(&b->fd);
	return rc;
}

int store_staging_take(const struct store_staging *st, const char *digest, bool wait,
		       struct store_staged *ret, struct err *err)
{
	struct store_staged b = { .fd = -1 };
	int rc;

	memcpy(b.digest, digest, sizeof(b.digest));
	do
		rc = take_whole(st, &b) ? 1 : take_part(st, wait, &b);
	while (rc == 3);
	if (rc < 0)
		return err_sys(err, errno, "store: '%s/" FOLDER "'", st->store->dir);
	*ret = b;
	return rc;
}

int store_staging_finish(const struct store_staging *st, struct store_staged *b, struct err *err)
{
	char name[NAME_SIZE];

	part_name(b->digest, name);
	if (renameat(st->blobs, name, st->blobs, b->digest) < 0 || flock(b->fd, LOCK_SH) < 0)
		return err_sys(err, errno, "store: '%s/" FOLDER "'", st->store->dir);
	return 0;
}

void store_staging_drop(const struct store_staging *st, struct store_staged *b, bool remove)
{
	if (b->fd < 0)
		return;
	cleanup_fd(&b->fd);
	if (remove)
		sweep_one(st, b->digest, EVER, NULL);
}

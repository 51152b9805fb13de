/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * making: image folders appear under their name by one rename, after all of their content is on
 * disk. While one is being made it bears a name of its own and a lock (flock) that ends with its
 * makers, so that whoever comes next can tell the leftovers of a crash from the work of a
 * neighbour. Called by
 * busybox.c, rootfs.c, layers.c and archive.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

#define PREFIX	  ".making-"
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int store_making_there(const struct store *s, int dir, const char *name, struct err *err)
{
	struct stat st;

	if (!fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return S_ISDIR(st.st_mode)
			       ? 1
			       : err_sys(err, ENOTDIR, "store: '%s' of '%s'", name, s->dir);
	return errno == ENOENT ? 0 : err_sys(err, errno, "store: '%s' of '%s'", name, s->dir);
}

/* Nobody has it locked: its makers are dead. */
static void remove_if_left(int dir, const char *name)
{
	_cleanup_fd_ int fd = openat(dir, name, DIR_FLAGS);

	if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
		(void)path_remove_tree(dir, name);
}

static void sweep(int where)
{
	int fd = openat(where, ".", DIR_FLAGS);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		cleanup_fd(&fd);
		return;
	}
	while ((e = readdir(dir)))
		if (!strncmp(e->d_name, PREFIX, strlen(PREFIX)))
			remove_if_left(where, e->d_name);
}

/* A neighbour that sweeps may take the folder away between making and locking it: 1 then. */
static int make_locked(struct store_making *m)
{
	_cleanup_fd_ int fd = -1;
	uint64_t random;
	struct stat st;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -1;
	snprintf(m->name, sizeof(m->name), PREFIX "%016llx", (unsigned long long)random);
	if (mkdirat(m->dir, m->name, 0755) < 0)
		return -1;
	fd = openat(m->dir, m->name, DIR_FLAGS);
	if (fd < 0)
		return errno == ENOENT ? 1 : -1;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 1 : -1;
	if (fchmod(fd, 0755) < 0 || fstat(fd, &st) < 0)
		return -1;
	if (!st.st_nlink)
		return 1;
	m->fd = take_fd(&fd);
	return 0;
}

int store_making_begin(const struct store *s, int dir, struct store_making *ret, struct err *err)
{
	struct store_making m = { .store = s, .dir = dir, .fd = -1 };
	int rc = 1;

	sweep(dir);
	for (int tries = 0; rc > 0 && tries < 16; tries++)
		rc = make_locked(&m);
	if (rc)
		return err_sys(err, rc > 0 ? EAGAIN : errno, "store: make a folder in '%s'",
			       s->dir);
	*ret = m;
	return 0;
}

int store_making_sync(const struct store_making *m, struct err *err)
{
	return syncfs(m->fd) < 0 ? err_sys(err, errno, "store: write to '%s'", m->store->dir) : 0;
}

int store_making_name(struct store_making *m, const char *name, struct err *err)
{
	if (renameat(m->dir, m->name, m->dir, name) < 0) {
		if (errno == EEXIST || errno == ENOTEMPTY)
			return 0;
		return err_sys(err, errno, "store: name '%s' in '%s'", name, m->store->dir);
	}
	cleanup_fd(&m->fd);
	return 0;
}

int store_making_commit(struct store_making *m, const char *name, struct err *err)
{
	/* Else a power cut could leave the name on disk, and half of the content. */
	return store_making_sync(m, err) < 0 ? -1 : store_making_name(m, name, err);
}

void store_making_fini(struct store_making *m)
{
	if (m->fd < 0)
		return;
	(void)path_remove_tree(m->dir, m->name);
	cleanup_fd(&m->fd);
}

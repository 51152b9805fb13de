/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * making: image folders appear under their name by one rename, after all of their content is on
 * disk. While one is being made it bears a name of its own and a lock (flock) that ends with its
 * makers, so that whoever comes next can tell the leftovers of a crash from the work of a
 * neighbour. Called by busybox.c and rootfs.c.
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

int store_image_there(const struct store *s, const char *name, struct err *err)
{
	struct stat st;

	if (!fstatat(s->images, name, &st, AT_SYMLINK_NOFOLLOW))
		return S_ISDIR(st.st_mode)
			       ? 1
			       : err_sys(err, ENOTDIR, "store: '%s/images/%s'", s->dir, name);
	return errno == ENOENT ? 0 : err_sys(err, errno, "store: '%s/images/%s'", s->dir, name);
}

/* Nobody has it locked: its makers are dead. */
static void remove_if_left(const struct store *s, const char *name)
{
	_cleanup_fd_ int fd = openat(s->images, name, DIR_FLAGS);

	if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
		(void)path_remove_tree(s->images, name);
}

static void sweep(const struct store *s)
{
	int fd = openat(s->images, ".", DIR_FLAGS);
	_cleanup_closedir_ DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		cleanup_fd(&fd);
		return;
	}
	while ((e = readdir(dir)))
		if (!strncmp(e->d_name, PREFIX, strlen(PREFIX)))
			remove_if_left(s, e->d_name);
}

/* A neighbour that sweeps may take the folder away between making and locking it: 1 then. */
static int make_locked(const struct store *s, struct store_making *m)
{
	_cleanup_fd_ int fd = -1;
	uint64_t random;
	struct stat st;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -1;
	snprintf(m->name, sizeof(m->name), PREFIX "%016llx", (unsigned long long)random);
	if (mkdirat(s->images, m->name, 0755) < 0)
		return -1;
	fd = openat(s->images, m->name, DIR_FLAGS);
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

int store_making_begin(const struct store *s, struct store_making *ret, struct err *err)
{
	struct store_making m = { .store = s, .fd = -1 };
	int rc = 1;

	sweep(s);
	for (int tries = 0; rc > 0 && tries < 16; tries++)
		rc = make_locked(s, &m);
	if (rc)
		return err_sys(err, rc > 0 ? EAGAIN : errno, "store: make a folder in '%s/images'",
			       s->dir);
	*ret = m;
	return 0;
}

int store_making_commit(struct store_making *m, const char *name, struct err *err)
{
	const struct store *s = m->store;

	/* Else a power cut could leave the name on disk, and half of the content. */
	if (syncfs(m->fd) < 0)
		return err_sys(err, errno, "store: write '%s/images/%s'", s->dir, name);
	if (renameat(s->images, m->name, s->images, name) < 0) {
		if (errno == EEXIST || errno == ENOTEMPTY)
			return 0;
		return err_sys(err, errno, "store: name '%s/images/%s'", s->dir, name);
	}
	cleanup_fd(&m->fd);
	return 0;
}

void store_making_fini(struct store_making *m)
{
	if (m->fd < 0)
		return;
	(void)path_remove_tree(m->store->images, m->name);
	cleanup_fd(&m->fd);
}

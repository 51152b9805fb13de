/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file: whole small files in and out. Called for /proc, /sys, cgroup files, and for our own state
 * files. Never for logs or layers: what may be large is streamed by its own room.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mstack/base.h"

/* O_NONBLOCK: a FIFO put where a file should be must not make us wait for its writer. */
static int open_regular(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || (!fstat(fd, &st) && S_ISREG(st.st_mode)))
		return fd;
	cleanup_fd(&fd);
	errno = EINVAL;
	return -1;
}

/* The size that stat tells is not asked for: files of /proc and /sys say 0 or a page. */
static int read_all(int fd, size_t max, struct buf *text)
{
	char chunk[4096];
	ssize_t n;

	for (;;) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -1 : 0;
		if ((size_t)n > max - text->len) {
			errno = EFBIG;
			return -1;
		}
		buf_add(text, chunk, (size_t)n);
	}
}

int file_read(int dirfd, const char *path, size_t max, struct buf *ret)
{
	_cleanup_fd_ int fd = open_regular(dirfd, path);
	_cleanup_(buf_fini) struct buf text = { 0 };

	if (fd < 0 || read_all(fd, max, &text) < 0)
		return -1;
	buf_fini(ret);
	*ret = text;
	text = (struct buf){ 0 };
	return 0;
}

int file_put(int dirfd, const char *path, const char *text)
{
	_cleanup_fd_ int fd = openat(dirfd, path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -1;
	/* One write only: the kernel's files take a value whole or not at all. */
	n = write(fd, text, len);
	if (n >= 0 && (size_t)n != len) {
		errno = EIO;
		return -1;
	}
	return n < 0 ? -1 : 0;
}

int fd_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* What an earlier run with our process id left half written is in the way once, not for ever. */
static int open_new(int dirfd, const char *path, mode_t mode)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dirfd, path, flags, mode);

	if (fd < 0 && errno == EEXIST && !unlinkat(dirfd, path, 0))
		fd = openat(dirfd, path, flags, mode);
	return fd;
}

int file_replace(int dirfd, const char *path, const void *data, size_t len, mode_t mode)
{
	_cleanup_fd_ int fd = -1;
	char temp[PATH_MAX];
	int n = snprintf(temp, sizeof(temp), "%s.%d.new", path, (int)getpid());

	if (n < 0 || (size_t)n >= sizeof(temp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open_new(dirfd, temp, mode);
	if (fd < 0)
		return -1;
	/* fchmod: whatever the umask is. No fsync: nothing kept here must outlive the host. */
	if (fd_write_all(fd, data, len) < 0 || fchmod(fd, mode) < 0 ||
	    renameat(dirfd, temp, dirfd, path) < 0) {
		int saved = errno;

		unlinkat(dirfd, temp, 0);
		errno = saved;
		return -1;
	}
	return 0;
}

int fd_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -1;
	return fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fifo: see fifo.h. Called by stream alone. The service owns the FIFO and may do with it what it
 * likes; nothing is taken from it but bytes. Each end is opened by itself, so that the reading one
 * stays non-blocking whatever becomes of the other one's flags.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logs/fifo.h"

/* The service opens /dev/stdout for writing; its group may as well. */
#define FIFO_MODE  0620
#define OPEN_FLAGS (O_NOFOLLOW | O_CLOEXEC)

static int open_ends(struct fifo *f, int dirfd, const char *name, uid_t uid, gid_t gid, bool both)
{
	struct stat st;

	if (mkfifoat(dirfd, name, FIFO_MODE) < 0 && errno != EEXIST)
		return -1;
	f->rd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | OPEN_FLAGS);
	if (f->rd < 0 || fstat(f->rd, &st) < 0)
		return -1;
	if (!S_ISFIFO(st.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	if (fchown(f->rd, uid, gid) < 0 || fchmod(f->rd, FIFO_MODE) < 0)
		return -1;
	/* Does not wait: there is a reader by now. */
	f->wr = openat(dirfd, name, (both ? O_RDWR : O_WRONLY) | OPEN_FLAGS);
	return f->wr < 0 ? -1 : 0;
}

int fifo_open(struct fifo *ret, const char *dir, const char *name, uid_t uid, gid_t gid, bool both,
	      struct err *err)
{
	_cleanup_fd_ int dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct fifo f = { .rd = -1, .wr = -1 };

	if (dirfd < 0 || open_ends(&f, dirfd, name, uid, gid, both) < 0) {
		err_sys(err, errno, "logs: open fifo '%s/%s'", dir, name);
		fifo_close(&f);
		return -1;
	}
	*ret = f;
	return 0;
}

void fifo_close(struct fifo *f)
{
	cleanup_fd(&f->rd);
	cleanup_fd(&f->wr);
}

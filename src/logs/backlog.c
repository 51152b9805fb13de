/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * backlog: see backlog.h. Called by stream. Whoever is killed is killed between two system calls, so each of those here leaves it whole: between pipes
 * and out of a terminal splice moves all or nothing of what it tells, and so does one read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "logs/backlog.h"
#include "mstack/base_level.h"

#define PAGE 4096

/* How many ids are tried for one that has room. */
#define CHARGED_MAX 8

/* A pipe as one descriptor, which can be read and written: half as many to be handed over. */
static int as_one(const int ends[2])
{
	char path[32];

	if (fcntl(ends[1], F_SETPIPE_SZ, BACKLOG_MAX) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

static int open_pipe(void)
{
	_cleanup_fd_ int in = -1, out = -1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	in = ends[0];
	out = ends[1];
	return as_one(ends);
}

/* The real id alone: rights, and the owner of what is made, are the effective one's. */
static int open_pipe_as(uid_t id)
{
	int fd, sys;

	if (setresuid(id, (uid_t)-1, (uid_t)-1) < 0) {
		errno = EPERM;
		return -1;
	}
	fd = open_pipe();
	sys = errno;
	if (setresuid(0, (uid_t)-1, (uid_t)-1) < 0)
		abort();
	errno = sys;
	return fd;
}

/*
 * The memory in pipes is counted for the real user who makes them, all of one user's together (pipe(7)), and each pasta takes half of what is left of that.
 * The stack of an ordinary user has them counted for ids of its own.
 */
static int open_charged(void)
{
	struct level level = level_get();
	uint32_t others = level.nested && level.ids > 1 ? level.ids - 1 : 0;
	int fd = -1;

	errno = EPERM;
	for (uint32_t i = 0; others && fd < 0 && errno == EPERM && i < CHARGED_MAX; i++)
		fd = open_pipe_as(1 + ((uint32_t)getpid() + i * 1009) % others);
	return fd < 0 && errno == EPERM ? open_pipe() : fd;
}

int backlog_open(struct backlog *ret, struct err *err)
{
	struct backlog b = { .pipe = open_charged(), .spare = -1 };

	if (b.pipe >= 0 && (b.spare = open_charged()) >= 0) {
		*ret = b;
		return 0;
	}
	/* pipe(7): all pipes of a user together, but root's. */
	if (errno == EPERM)
		err_set(err,
			"logs: a pipe of %d KiB: the user has too much memory in pipes: sysctl fs.pipe-user-pages-soft=65536, by root, allows more",
			BACKLOG_MAX / 1024);
	else
		err_sys(err, errno, "logs: pipe");
	backlog_close(&b);
	return -1;
}

void backlog_close(struct backlog *b)
{
	cleanup_fd(&b->pipe);
	cleanup_fd(&b->spare);
	b->len = 0;
}

/* ---- taking ---------------------------------------------------------------------------------- */

/* All that is in it, or the first `n` bytes, by one call. */
static void drop(int pipe, size_t n)
{
	struct iovec v[BACKLOG_MAX / PAGE];
	char nowhere[PAGE];
	int i = 0;

	for (; n > 0 && i < (int)ARRAY_LEN(v); i++) {
		v[i] = (struct iovec){ nowhere, n < PAGE ? n : PAGE };
		n -= v[i].iov_len;
	}
	while (readv(pipe, v, i) < 0 && errno == EINTR)
		;
}

/* All that is in here, which stays, by a copy in the spare one. Whoever dies between these two calls leaves it there, never longer than the original. */
size_t backlog_read(const struct backlog *b, char *ret)
{
	ssize_t n = tee(b->pipe, b->spare, BACKLOG_MAX, SPLICE_F_NONBLOCK);

	if (n > 0)
		n = read(b->spare, ret, (size_t)n);
	return n > 0 ? (size_t)n : 0;
}

/*
 * A pipe has room for so many pieces, however small they are. The line that came in too many is put in one into the other pipe.
 * While it is in both, the one that has more of it counts.
 */
static bool join_pieces(struct backlog *b, const struct buf *held)
{
	int pieces = b->pipe;

	if (backlog_fill(b, held) < 0)
		return false;
	drop(pieces, BACKLOG_MAX);
	return true;
}

static ssize_t move(struct backlog *b, int from, const struct buf *held, size_t size)
{
	ssize_t n = splice(from, NULL, b->pipe, NULL, size, SPLICE_F_NONBLOCK);

	/* One has nothing now, or the other one is full. */
	if (n < 0 && errno == EAGAIN && held->len > 0 && join_pieces(b, held))
		n = splice(from, NULL, b->pipe, NULL, size, SPLICE_F_NONBLOCK);
	if (n > 0)
		b->len += (size_t)n;
	return n;
}

ssize_t backlog_take(struct backlog *b, int from, const struct buf *held, char *ret, size_t size)
{
	ssize_t n = move(b, from, held, size);
	size_t seen;

	if (n <= 0)
		return n;
	seen = backlog_read(b, ret);
	return seen > held->len ? (ssize_t)(seen - held->len) : 0;
}

void backlog_stored(struct backlog *b, size_t left)
{
	if (b->len <= left)
		return;
	drop(b->pipe, b->len - left);
	b->len = left;
}

/* ---- over an execve, and a death ------------------------------------------------------------- */

int backlog_fill(struct backlog *b, const struct buf *held)
{
	int fd;

	if (write(b->spare, buf_str(held), held->len) != (ssize_t)held->len)
		return -1;
	fd = b->pipe;
	b->pipe = b->spare;
	b->spare = fd;
	b->len = held->len;
	return 0;
}

void backlog_carry(const struct backlog *b, struct carry *to)
{
	carry_put_fd(to, "backlog", b->pipe);
	carry_put_fd(to, "spare", b->spare);
}

static size_t length(int pipe)
{
	int n = 0;

	return ioctl(pipe, FIONREAD, &n) < 0 ? 0 : (size_t)n;
}

/* Both have something when who was before us died while he put the pieces of a line together, or looked at them. */
int backlog_resume(struct backlog *ret, struct carry *from, struct err *err)
{
	int a = carry_take_fd(from, "backlog"), b = carry_take_fd(from, "spare");
	bool swapped = length(b) > length(a);

	*ret = (struct backlog){ .pipe = swapped ? b : a, .spare = swapped ? a : b };
	if (a < 0 || b < 0) {
		backlog_close(ret);
		return backlog_open(ret, err) < 0 ? -1 : 0;
	}
	ret->len = length(ret->pipe);
	return 1;
}

void backlog_own(struct backlog *b)
{
	drop(b->spare, BACKLOG_MAX);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * segment: see segment.h. Called by stream alone. It never waits for anything but the disk, keeps
 * no record back, and makes room by itself only in the way of rotation.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "logs/rotated.h"
#include "logs/segment.h"

#define CURRENT	     0
#define SEGMENT_MODE 0640
#define FOLDER_MODE  0750

void segment_name(unsigned index, char ret[SEGMENT_NAME_SIZE])
{
	if (index == CURRENT)
		strcpy(ret, "current.log");
	else
		snprintf(ret, SEGMENT_NAME_SIZE, "%u.log", index);
}

static uint64_t count_records(const char *bytes, size_t len)
{
	const char *end = bytes + len, *nl;
	uint64_t n = 0;

	for (; (nl = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL; bytes = nl + 1)
		n++;
	return n;
}

/* ---- making, turning over -------------------------------------------------------------------- */

/* 0, or -1 with errno. */
static int open_current(struct segments *s)
{
	char name[SEGMENT_NAME_SIZE];
	struct stat st;

	segment_name(CURRENT, name);
	s->fd = openat(s->dir, name, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		       SEGMENT_MODE);
	if (s->fd < 0)
		return -1;
	if (fstat(s->fd, &st) < 0)
		st.st_size = 0;
	s->size = s->before = (uint64_t)st.st_size;
	s->lines = 0;
	s->torn = false;
	return 0;
}

/* What is in the file, for readers that will miss it. Once for each file at most this reads what others wrote into it. */
static void note_full(const struct segments *s)
{
	uint64_t lines = s->lines;
	struct stat st;
	char block[16384];

	for (uint64_t at = 0; at < s->before;) {
		size_t want =
			s->before - at < sizeof(block) ? (size_t)(s->before - at) : sizeof(block);
		ssize_t n = pread(s->fd, block, want, (off_t)at);

		if (n <= 0)
			break;
		lines += count_records(block, (size_t)n);
		at += (uint64_t)n;
	}
	if (fstat(s->fd, &st) == 0)
		rotated_add(s->dir, st.st_ino, lines);
}

/*
 * Moves every file one number up, the oldest one goes. The current one is then free to be made
 * anew.
 */
static void rotate(struct segments *s)
{
	char from[SEGMENT_NAME_SIZE], to[SEGMENT_NAME_SIZE];

	if (s->fd >= 0)
		note_full(s);
	segment_name(s->max_files - 1, to);
	unlinkat(s->dir, to, 0);
	for (unsigned i = s->max_files - 1; i > CURRENT; i--) {
		segment_name(i - 1, from);
		segment_name(i, to);
		renameat(s->dir, from, s->dir, to);
	}
	cleanup_fd(&s->fd);
	s->size = 0;
}

/* Files beyond the number, of a time when more were wanted. */
static void remove_surplus(const struct segments *s)
{
	char name[SEGMENT_NAME_SIZE];

	for (unsigned i = s->max_files; i < UINT_MAX; i++) {
		segment_name(i, name);
		if (unlinkat(s->dir, name, 0) < 0)
			break;
	}
}

void segments_limit(struct segments *s, uint64_t max_size, unsigned max_files)
{
	s->max_size = max_size;
	s->max_files = max_files;
	remove_surplus(s);
}

/*
 * The writer before us was killed in the middle of a record: its beginning goes, and what is no log
 * at all is put aside.
 */
static void mend_tail(struct segments *s)
{
	char tail[RECORD_MAX];
	size_t len = s->size < sizeof(tail) ? (size_t)s->size : sizeof(tail);
	uint64_t from = s->size - len;
	ssize_t n = s->fd < 0 ? 0 : pread(s->fd, tail, len, (off_t)from);
	const char *nl;

	if (n <= 0 || tail[n - 1] == '\n')
		return;
	nl = memrchr(tail, '\n', (size_t)n);
	if (!nl && from > 0) {
		rotate(s);
		return;
	}
	s->size = s->before = nl ? from + (uint64_t)(nl + 1 - tail) : 0;
	s->torn = true;
}

static bool disk_is_full(int why)
{
	return why == ENOSPC || why == EDQUOT || why == EIO;
}

int segments_open(struct segments *ret, const char *dir, uint64_t max_size, unsigned max_files,
		  struct err *err)
{
	struct segments s = { .fd = -1, .max_size = max_size, .max_files = max_files };

	if (path_mkdirs(AT_FDCWD, dir, FOLDER_MODE) < 0)
		return err_sys(err, errno, "logs: make folder '%s'", dir);
	s.dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s.dir < 0)
		return err_sys(err, errno, "logs: open folder '%s'", dir);
	if (open_current(&s) < 0 && !disk_is_full(errno)) {
		err_sys(err, errno, "logs: open '%s/current.log'", dir);
		cleanup_fd(&s.dir);
		return -1;
	}
	mend_tail(&s);
	remove_surplus(&s);
	*ret = s;
	return 0;
}

void segments_close(struct segments *s)
{
	cleanup_fd(&s->fd);
	cleanup_fd(&s->dir);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* The record that says what was lost; 0 bytes when nothing was. */
static size_t make_notice(const struct segments *s, char *ret, size_t size)
{
	struct err err;

	if (s->lost == 0)
		return 0;
	if (s->notice)
		return s->notice(s->notice_arg, s, ret, size);
	err_sys(&err, s->why, "%" PRIu64 " lines dropped", s->lost);
	record_head(ret, time_wall_ns(), LOGS_MSTACK);
	return RECORD_HEAD +
	       (size_t)snprintf(ret + RECORD_HEAD, size - RECORD_HEAD, "%s\n", err.text);
}

/* The file is there and ends with a whole record. */
static bool make_ready(struct segments *s)
{
	if (s->fd < 0 && open_current(s) < 0)
		return false;
	if (s->torn && ftruncate(s->fd, (off_t)s->size) < 0)
		return false;
	s->torn = false;
	return true;
}

/* Returns how many bytes are in the file, fewer than all with errno. */
static size_t write_all(int fd, struct iovec *iov, int n)
{
	size_t done = 0;

	while (n > 0) {
		ssize_t w = writev(fd, iov, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			break;
		done += (size_t)w;
		for (; n > 0 && (size_t)w >= iov->iov_len; iov++, n--)
			w -= (ssize_t)iov->iov_len;
		if (n > 0) {
			iov->iov_base = (char *)iov->iov_base + w;
			iov->iov_len -= (size_t)w;
		}
	}
	return done;
}

/*
 * Of what went in only a part, the whole records stay. But while lines are being lost it is all or
 * nothing: the last page of a file on a full disk takes a notice when it takes nothing else, and
 * would soon be full of them.
 */
static void write_batch(struct batch *b, const char *notice, size_t notice_len)
{
	struct segments *s = b->s;
	struct iovec iov[] = { { (char *)notice, notice_len }, { b->bytes, b->len } };
	size_t len = notice_len + b->len, done = 0, kept = 0;

	if (make_ready(s))
		done = write_all(s->fd, iov, ARRAY_LEN(iov));
	if (done == len) {
		s->size += len;
		s->lines += b->lines + (notice_len > 0);
		s->lost = 0;
		return;
	}
	s->why = errno;
	if (notice_len == 0) {
		const char *nl = memrchr(b->bytes, '\n', done);

		kept = nl ? (size_t)(nl + 1 - b->bytes) : 0;
	}
	s->size += kept;
	s->lines += count_records(b->bytes, kept);
	s->torn = s->torn || done > kept;
	s->lost += count_records(b->bytes + kept, b->len - kept);
	s->dropped += count_records(b->bytes + kept, b->len - kept);
	make_ready(s);
}

void batch_finish(struct batch *b)
{
	char notice[NOTICE_MAX];
	size_t n = make_notice(b->s, notice, sizeof(notice));

	if (n + b->len > 0)
		write_batch(b, notice, n);
	b->len = b->lines = 0;
}

void batch_flush(struct batch *b)
{
	if (b->len > 0)
		batch_finish(b);
}

void batch_put(struct batch *b, const char *head, size_t head_len, const char *text, size_t len)
{
	struct segments *s = b->s;
	size_t record = head_len + len + 1;
	char *to;

	if (s->size + b->len > 0 && s->size + b->len + record > s->max_size) {
		batch_flush(b);
		if (s->size > 0)
			rotate(s);
	}
	if (b->len + record > sizeof(b->bytes))
		batch_flush(b);
	to = b->bytes + b->len;
	memcpy(to, head, head_len);
	memcpy(to + head_len, text, len);
	to[record - 1] = '\n';
	b->len += record;
	b->lines++;
}

void batch_add(struct batch *b, const char head[RECORD_HEAD], const char *text, size_t len)
{
	batch_put(b, head, RECORD_HEAD, text, len);
}
